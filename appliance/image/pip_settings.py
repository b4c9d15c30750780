"""What pip on this host is told about indexes, proxies and certificates.

A build runs pip in a container, which sees neither the host's environment nor its pip.conf. What
is found here goes along into stages of the build that are thrown away.
"""

from __future__ import annotations

import configparser
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from appliance.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# The settings that decide whether and where packages are found. The rest (colours, caches, user
# installs, ...) is about the host and would only do harm in a build.
LISTS = ("extra-index-url", "trusted-host", "find-links")
SINGLES = ("index-url", "proxy", "timeout", "retries", "no-index")
ALIASES = {"default-timeout": "timeout"}
NAMES = frozenset({*LISTS, *SINGLES, "cert"})

# Sections that `pip install` reads, the later one winning.
SECTIONS = ("global", "install")

# What programs that pip is built on read, in the order in which pip would meet them.
CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
# The bundles of the usual systems: recent pips trust the host's own store, so the build does too.
SYSTEM_BUNDLES = (
    Path("/etc/ssl/certs/ca-certificates.crt"),
    Path("/etc/pki/tls/certs/ca-bundle.crt"),
    Path("/etc/ssl/cert.pem"),
)


@dataclass
class Setting:
    """One setting and the place where it was made, for messages."""

    value: str
    where: str

    def items(self) -> list[str]:
        """Return the parts of a setting that takes several values."""
        return self.value.split()


@dataclass
class PipSettings:
    """The host's settings that a build takes along.

    Attributes:
        values: By pip's own name (`index-url`), after precedence was applied.
        ca: The bundle of certificates to trust; None if the image's own will do.
    """

    values: dict[str, Setting] = field(default_factory=dict)
    ca: Setting | None = None

    def local_directories(self) -> list[Path]:
        """Return the directories of wheels that `find-links` names and that exist."""
        links = self.values.get("find-links")
        paths = [local_path(item) for item in links.items()] if links else []
        return [path for path in paths if path is not None and path.is_dir()]

    def needs_host_network(self) -> bool:
        """Tell whether an index or proxy is on this very machine.

        Its address means the container itself in a build, unless that shares our network.
        """
        urls = [
            item
            for name in ("index-url", "extra-index-url", "proxy", "find-links")
            if name in self.values
            for item in self.values[name].items()
        ]
        return any(is_loopback(url) for url in urls)

    def render(self, *, ca: str | None, wheels: str | None) -> str:
        """Return the pip.conf of the build.

        Args:
            ca: Where the build finds the bundle; None without one.
            wheels: Where the build finds the wheels copied from `local_directories`.
        """
        lines = ["[global]", "disable-pip-version-check = true"]
        for name in sorted({*LISTS, *SINGLES} & self.values.keys()):
            items = self.values[name].items()
            if name == "find-links":
                items = [item for item in items if local_path(item) is None]
                items += [wheels] if wheels else []
            if items:
                lines.append(f"{name} = " + "\n    ".join(items))
        if ca:
            lines.append(f"cert = {ca}")
        return "\n".join(lines) + "\n"


def is_loopback(url: str) -> bool:
    """Tell whether a URL (or `host:port`) leads to the machine itself."""
    host = urlsplit(url if "//" in url else f"//{url}").hostname or ""
    return host in {"localhost", "::1"} or host.startswith("127.")


def local_path(link: str) -> Path | None:
    """Return the local path that a `find-links` entry means; None for an address."""
    parts = urlsplit(link)
    if parts.scheme == "file":
        return Path(url2pathname(parts.path))
    return None if parts.scheme in {"http", "https"} else Path(link).expanduser()


def collect(
    environ: Mapping[str, str],
    files: Iterable[tuple[str, str]],
    bundles: Iterable[Path] = SYSTEM_BUNDLES,
) -> PipSettings:
    """Apply pip's precedence: environment over files, later files over earlier ones.

    Args:
        environ: The process environment.
        files: Path and text of each pip.conf, the weakest first.
        bundles: Certificate bundles of the system, used when nothing names one.
    """
    found: dict[str, Setting] = {}
    for path, text in files:
        found.update(_from_file(path, text))
    for variable, value in environ.items():
        name = variable.removeprefix("PIP_").lower().replace("_", "-")
        name = ALIASES.get(name, name)
        if variable.startswith("PIP_") and name in NAMES and value.strip():
            found[name] = Setting(value, variable)
    return PipSettings(
        values={name: setting for name, setting in found.items() if name != "cert"},
        ca=found.get("cert") or _ca_of_other_programs(environ, bundles),
    )


def require_certificates(ca: Setting) -> str:
    """Return the text of a bundle.

    Raises:
        OperatorError: It cannot be read, or holds no certificate.
    """
    try:
        text = Path(ca.value).expanduser().read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise OperatorError(
            f"the CA bundle {ca.value} cannot be read: {error.strerror}",
            where=ca.where,
            remedy="name a file of PEM certificates, or unset it",
        ) from error
    if "BEGIN CERTIFICATE" not in text and "BEGIN TRUSTED CERTIFICATE" not in text:
        raise OperatorError(
            f"the CA bundle {ca.value} holds no PEM certificate",
            where=ca.where,
            remedy="name a file of PEM certificates, or unset it",
        )
    return text


def configuration_files(environ: Mapping[str, str], home: Path) -> list[Path]:
    """Return where pip looks for its files, the weakest first.

    `PIP_CONFIG_FILE` names one more, or with the null device's name says to read none at all.
    """
    extra = environ.get("PIP_CONFIG_FILE", "")
    if extra == os.devnull:
        return []
    if sys.platform == "darwin":
        support = Path("Library/Application Support/pip/pip.conf")
        system = [Path("/") / support]
        user = [home / ".pip/pip.conf", home / ".config/pip/pip.conf", home / support]
    else:
        shared = environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"
        system = [Path(item) / "pip/pip.conf" for item in shared.split(os.pathsep)]
        system.append(Path("/etc/pip.conf"))
        own = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
        user = [home / ".pip/pip.conf", own / "pip/pip.conf"]
    return [*system, *user, *([Path(extra).expanduser()] if extra else [])]


def of_this_host() -> PipSettings:
    """Return the settings of the user who runs the build."""
    files = []
    for path in configuration_files(os.environ, Path.home()):
        try:
            files.append((str(path), path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            continue
        except (OSError, UnicodeDecodeError) as error:
            raise OperatorError(
                f"pip's configuration {path} cannot be read: {error}",
                remedy="mend or remove it; PIP_CONFIG_FILE=/dev/null makes a build ignore it",
            ) from error
    return collect(os.environ, files)


def _from_file(path: str, text: str) -> dict[str, Setting]:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(text, source=path)
    except configparser.Error as error:
        raise OperatorError(
            f"pip's configuration {path} cannot be read: {' '.join(str(error).split())}",
            remedy="mend or remove it; PIP_CONFIG_FILE=/dev/null makes a build ignore it",
        ) from error
    found: dict[str, Setting] = {}
    for section in SECTIONS:
        if parser.has_section(section):
            for key, value in parser.items(section):
                name = key.lower().replace("_", "-")
                name = ALIASES.get(name, name)
                if name in NAMES and value.strip():
                    found[name] = Setting(value, f"{path} [{section}] {key}")
    return found


def _ca_of_other_programs(environ: Mapping[str, str], bundles: Iterable[Path]) -> Setting | None:
    for variable in CA_VARIABLES:
        if environ.get(variable):
            return Setting(environ[variable], variable)
    for bundle in bundles:
        if bundle.is_file():
            return Setting(str(bundle), "the system's bundle")
    return None

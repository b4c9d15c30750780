"""What the host's apt knows: where Debian's packages come from, and how to get there.

Everything here is decided from text, so that it can be tested without an apt.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

RELEASE = "trixie"
DEBIAN_SUITES = frozenset(
    {
        "oldoldstable",
        "oldstable",
        "stable",
        "testing",
        "unstable",
        "bullseye",
        "bookworm",
        "trixie",
        "forky",
        "duke",
        "sid",
    }
)

# What Debian's official slim image leaves out, by the same means: dpkg never unpacks it, now or
# later. Licences stay, as they must.
PATH_RULES = (
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/groff/*",
    "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/lintian/*",
    "path-exclude=/usr/share/locale/*",
    "path-include=/usr/share/locale/locale.alias",
)

_ONE_LINE = re.compile(r"^deb\s+(?:\[[^]]*\]\s*)?(\S+)\s+(\S+)\s+(.+)$")
_PROXY = re.compile(r'^Acquire::(?:https?|ftp)::(?:Proxy|Proxy::[^"\s]+) "[^"]+";$')


@dataclass(frozen=True)
class Mirror:
    """Where a host gets Debian from.

    Attributes:
        archive: The address of the main archive.
        security: That of the security archive; empty if the host has none.
    """

    archive: str
    security: str = ""

    def sources(self, release: str = RELEASE) -> list[str]:
        """Return the lines of a sources.list for a release."""
        lines = [
            f"deb {self.archive} {release} main",
            f"deb {self.archive} {release}-updates main",
        ]
        if self.security:
            lines.append(f"deb {self.security} {release}-security main")
        return lines


def mirror(texts: Iterable[str]) -> Mirror | None:
    """Return the mirror that a Debian host's apt sources name; None on other systems.

    Args:
        texts: The contents of sources.list, *.list and *.sources, either format.
    """
    archive = security = ""
    for uri, suite in _entries(texts):
        codename, _, pocket = suite.partition("/" if "/" in suite else "-")
        if codename not in DEBIAN_SUITES or not uri.startswith(("http://", "https://")):
            continue
        if not pocket:
            archive = archive or uri
        elif pocket in {"security", "updates"} and "security" in uri + pocket:
            security = security or uri
    return Mirror(archive, security) if archive else None


def acquire_settings(dump: str) -> str:
    """Return the lines of `apt-config dump` that say how to fetch, ready for an apt.conf.

    The rest of a host's configuration (hooks above all) must not run for our private apt.
    """
    return "".join(f"{line}\n" for line in dump.splitlines() if line.startswith("Acquire::"))


def proxy_settings(dump: str) -> str:
    """Return the lines of `apt-config dump` that name proxies, ready for an apt.conf."""
    return "".join(f"{line}\n" for line in dump.splitlines() if _PROXY.match(line))


def _entries(texts: Iterable[str]) -> Iterable[tuple[str, str]]:
    for text in texts:
        for line in text.splitlines():
            one_line = _ONE_LINE.match(line.strip())
            if one_line and "main" in one_line[3].split():
                yield one_line[1], one_line[2]
        for stanza in re.split(r"\n\s*\n", text):
            fields = _fields(stanza)
            if (
                "deb" in fields.get("types", [])
                and "main" in fields.get("components", [])
                and fields.get("enabled", ["yes"])[0].lower() not in {"no", "false", "0"}
            ):
                for uri in fields.get("uris", []):
                    for suite in fields.get("suites", []):
                        yield uri, suite


def _fields(stanza: str) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    name = ""
    for line in stanza.splitlines():
        if line.startswith("#"):
            continue
        key, colon, value = line.partition(":")
        if line[:1].isspace() and name:
            fields[name] += line.split()
        elif colon:
            name = key.strip().lower()
            fields[name] = value.split()
    return fields

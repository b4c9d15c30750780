"""The build context: exactly what the image needs, in a form that does not vary.

Docker decides by names, modes and contents whether a step can come from its cache. So everything
is copied afresh with fixed modes and times, and what the image does not need stays out: editing a
test or a document rebuilds nothing.
"""

from __future__ import annotations

import os
import shutil
from fnmatch import fnmatch
from typing import TYPE_CHECKING

from appliance.errors import OperatorError
from appliance.image import lock, pip_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from appliance.image.pip_settings import PipSettings

# Where the files of `host/` stand in the stages that see them; the Dockerfile says the same.
IN_BUILD = "/build/host"
# Any moment will do, if it is always the same one and a zip archive can hold it (after 1980).
TIMESTAMP = 1_000_000_000
IGNORED = ("__pycache__", "*.py[co]", ".*_cache", "*.egg-info", ".DS_Store", "*.sw[op]", "*~")
# What runs here builds no images, bundles and pages.
NOT_IN_PACKAGE = ("image", "bundle", "collection", "Dockerfile")
README = "Prefect as an appliance. See the project's README.\n"


def stage(repository: Path, context: Path, settings: PipSettings, apt_proxies: str) -> None:
    """Write the build context anew.

    Args:
        repository: The checkout.
        context: The directory that becomes the context; it is replaced.
        settings: What pip on the host is told.
        apt_proxies: Lines of an apt.conf.

    Raises:
        OperatorError: The checkout is incomplete, or a setting names a file that is not there.
    """
    shutil.rmtree(context, ignore_errors=True)
    # It may hold the credentials of an index.
    context.mkdir(parents=True, mode=0o700)
    runtime = _read(repository / "requirements.lock")
    _write(context / "Dockerfile", _read(repository / "appliance/Dockerfile"))
    _write(context / "requirements.lock", runtime)
    _copy_tree(repository / "appliance/image/inside", context / "inside")
    stage_product(repository, context)
    _stage_host(context / "host", settings, apt_proxies, lock.pins(runtime))
    freeze(context)


def stage_product(repository: Path, target: Path) -> None:
    """Write the package's source to `source` and the shipped project to `project`.

    Raises:
        OperatorError: The checkout is incomplete.
    """
    _copy_tree(repository / "appliance", target / "source/appliance", skip=NOT_IN_PACKAGE)
    for name in ("pyproject.toml", "LICENSE"):
        _write(target / "source" / name, _read(repository / name))
    # The package's metadata wants a readme; the real one changes too often for a layer's key.
    _write(target / "source/README.md", README)
    for name in ("flows", "deployments"):
        _copy_tree(repository / name, target / "project" / name)
    if (repository / ".prefectignore").exists():
        _write(target / "project/.prefectignore", _read(repository / ".prefectignore"))


def is_ignored(name: str) -> bool:
    """Tell whether a file or directory of this name is only a by-product of working here."""
    return any(fnmatch(name, pattern) for pattern in IGNORED)


def apt_configuration(proxies: str, *, ca: str | None) -> str:
    """Return the apt.conf of the build.

    Args:
        proxies: The host's proxies, as lines of an apt.conf.
        ca: Where the build finds the bundle; None without one.
    """
    lines = 'Acquire::Retries "3";\n' + proxies
    if ca:
        lines += f'Acquire::https::CAInfo "{ca}";\n'
    return lines


def _stage_host(host: Path, settings: PipSettings, proxies: str, pinned: dict[str, str]) -> None:
    ca = None
    if settings.ca:
        _write(host / "ca.pem", pip_settings.require_certificates(settings.ca))
        ca = f"{IN_BUILD}/ca.pem"
    wheels = None
    for directory in settings.local_directories():
        for path in sorted(directory.iterdir()):
            # A company's directory may hold gigabytes; the lock needs a hundred files of it.
            if path.is_file() and lock.is_pinned(path.name, pinned):
                wheels = f"{IN_BUILD}/wheels"
                (host / "wheels").mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, host / "wheels" / path.name)
    _write(host / "pip.conf", settings.render(ca=ca, wheels=wheels))
    _write(host / "apt.conf", apt_configuration(proxies, ca=ca))


def _copy_tree(source: Path, target: Path, skip: tuple[str, ...] = ()) -> None:
    if not source.is_dir():
        raise OperatorError(
            f"the checkout has no directory {source.name}",
            where=str(source),
            remedy="use a complete checkout",
        )
    target.mkdir(parents=True, exist_ok=True)
    for entry in sorted(source.iterdir()):
        if is_ignored(entry.name) or entry.name in skip:
            continue
        if entry.is_dir():
            _copy_tree(entry, target / entry.name)
        elif entry.is_file():
            shutil.copyfile(entry, target / entry.name)
            if os.access(entry, os.X_OK):
                (target / entry.name).chmod(0o755)


def freeze(context: Path) -> None:
    """Give everything below a directory modes and times that do not vary."""
    for path in _below(context):
        executable = path.is_dir() or path.stat().st_mode & 0o100
        path.chmod(0o755 if executable else 0o644)
        os.utime(path, (TIMESTAMP, TIMESTAMP))


def _below(directory: Path) -> Iterator[Path]:
    for entry in sorted(directory.iterdir()):
        if entry.is_dir():
            yield from _below(entry)
        yield entry


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise OperatorError(
            f"{path.name} cannot be read: {error.strerror}",
            where=str(path),
            remedy="use a complete checkout",
        ) from error


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")

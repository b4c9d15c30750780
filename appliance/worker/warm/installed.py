"""Whether the packages of this environment are still those that were imported."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

SUFFIXES = (".dist-info", ".egg-info", ".egg-link", ".pth")


def watch(paths: Iterable[str]) -> Callable[[], bool]:
    """Return what tells whether anything was installed or removed since this call.

    Asking costs a stat(2) a path. An installer renames, makes or removes a directory
    `NAME-VERSION.dist-info`. (Python packaging, "Recording installed projects".)

    Args:
        paths: The entries of `sys.path`.
    """
    directories = [path for path in map(Path, paths) if path.is_dir()]
    times = _times(directories)
    records = _records(directories)

    def has_changed() -> bool:
        nonlocal times
        now = _times(directories)
        if now == times:
            return False
        if _records(directories) != records:
            return True
        # Something else, such as the first compiled module.
        times = now
        return False

    return has_changed


def _times(paths: Iterable[Path]) -> list[int]:
    return [_time(path) for path in paths]


def _time(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _records(directories: Iterable[Path]) -> set[tuple[Path, int]]:
    found = set()
    for directory in directories:
        try:
            paths = [path for path in directory.iterdir() if path.name.endswith(SUFFIXES)]
        except OSError:
            continue
        found |= {(path, _time(path)) for path in paths}
    return found

"""What an interpreter takes from its surroundings when it starts, and no fork can change.

A flow run that asks for something else than what the template started with must start cold.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from importlib.machinery import all_suffixes
from pathlib import Path

# Read by the dynamic linker, the C library, Python, or numerical libraries that may be preloaded,
# once and at their start.
PREFIXES = (
    "PYTHON", "LD_", "LC_", "LANG", "MALLOC_", "GLIBC_TUNABLES", "GCONV_PATH", "LOCPATH",
    "OMP_", "KMP_", "GOMP_", "MKL_", "OPENBLAS_", "BLIS_", "NUMEXPR_",
    "PREFECT_EXPERIMENTS_", "PREFECT_PLUGINS_",
)  # fmt: skip
# A child gives these their effect itself; see `search_path`.
EXCEPTIONS = frozenset({"PYTHONPATH"})
# Imported by `site` when an interpreter starts, wherever they are found first.
AT_START = frozenset({"sitecustomize", "usercustomize"})


def difference(template: Mapping[str, str], wanted: Mapping[str, str]) -> str | None:
    """Return the name of a variable in which the two differ and must not; None without one."""
    names = [name for name in {**template, **wanted} if _is_frozen(name)]
    return next(
        (name for name in sorted(names) if template.get(name) != wanted.get(name)),
        None,
    )


def _is_frozen(name: str) -> bool:
    return name.startswith(PREFIXES) and name not in EXCEPTIONS


def search_path(directory: str, python_path: str | None, base: Iterable[str]) -> list[str]:
    """Return `sys.path` as `python -m` would have it.

    Args:
        directory: The current directory.
        python_path: The value of PYTHONPATH.
        base: What comes after it: the standard library and the installed packages.
    """
    entries = [os.path.abspath(entry) for entry in (python_path or "").split(os.pathsep)]  # noqa: PTH100 - as `site` does it
    # `python -m` puts the directory first after `site` has removed what is there twice.
    return [directory, *dict.fromkeys([*(entries if python_path else []), *base])]


def shadow(entries: Iterable[str], modules: Collection[str]) -> str | None:
    """Return the path of something that would be imported instead of a module we have already.

    Args:
        entries: Directories that come before the installed packages on `sys.path`.
        modules: The names of the top-level modules that are imported already.
    """
    for directory in map(Path, entries):
        if directory.is_file():
            return str(directory)  # an archive; who knows what is in it
        try:
            paths = list(directory.iterdir())
        except OSError:
            # The import system finds nothing there, either.
            continue
        for path in paths:
            module, _, suffix = path.name.partition(".")
            if module not in modules and module not in AT_START:
                continue
            # Without __init__.py a directory gives way to an installed package of its name.
            if f".{suffix}" in all_suffixes() or (not suffix and (path / "__init__.py").exists()):
                return str(path)
    return None

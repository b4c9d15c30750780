"""`python3 -m appliance.bundle --python 3.13`, on the machine that installs the others.

It needs the module `packaging`, which every Ansible brings, and pip. It prints the bundle's path.
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from appliance.errors import FAILURE_EXIT_CODE, USAGE_EXIT_CODE, ZoeError

try:
    from appliance.bundle.making import make
    from appliance.bundle.target import target
except ModuleNotFoundError as missing:
    sys.stderr.write(
        f"bundle: {sys.executable} has no module {missing.name}; "
        "call the Python that Ansible runs with, or install that module\n"
    )
    sys.exit(USAGE_EXIT_CODE)

REPOSITORY = Path(__file__).resolve().parents[2]


def main(arguments: Sequence[str] | None = None) -> int:
    """Make a bundle, or find it; return the exit code."""
    given = _parser().parse_args(arguments)
    try:
        made = make(REPOSITORY, target(given.python, given.machine), given.directory)
    except ZoeError as error:
        sys.stderr.write(f"bundle: {error.line()}\n")
        return error.exit_code
    except OSError as error:
        sys.stderr.write(f"bundle: {error.filename or ''}: {error.strerror or error}\n")
        return FAILURE_EXIT_CODE
    sys.stdout.write(f"{made}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m appliance.bundle", description=__doc__)
    parser.add_argument("--python", required=True, help="the hosts' Python, such as 3.13")
    parser.add_argument(
        "--machine", default=platform.machine(), help="the hosts' processor (%(default)s)"
    )
    parser.add_argument(
        "--directory",
        type=Path,
        default=REPOSITORY / ".build" / "bundles",
        help="where bundles are kept (%(default)s)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())

"""`python3 -m appliance.image VERB`, on a host that has Docker, Python and make."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from appliance.errors import FAILURE_EXIT_CODE, OperatorError, ZoeError
from appliance.image.build import DEFAULT_IMAGE, build
from appliance.image.console import complain
from appliance.image.down import down
from appliance.image.up import up

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERRUPTED_EXIT_CODE = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the verb named on the command line; return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        match options.verb:
            case "up":
                up(options.image)
            case "down":
                down()
            case _:
                build(options.image)
    except ZoeError as error:
        complain(error.line())
        return error.exit_code
    except PermissionError as error:
        refused = OperatorError(
            f"this user may not write {error.filename}",
            remedy="if sudo made it, hand it back (sudo chown -R) or remove the directory .build",
        )
        complain(refused.line())
        return refused.exit_code
    except OSError as error:
        complain(f"{error.filename or 'the system'}: {error.strerror or error}")
        return FAILURE_EXIT_CODE
    except KeyboardInterrupt:
        return INTERRUPTED_EXIT_CODE
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m appliance.image", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    building = verbs.add_parser("build", help="build the image (and its base, if that is missing)")
    upping = verbs.add_parser("up", help="build, start, wait until healthy; again: what changed")
    verbs.add_parser("down", help="stop and remove the container; the data stays")
    for verb in (building, upping):
        verb.add_argument(
            "--image",
            default=os.environ.get("IMAGE") or DEFAULT_IMAGE,
            help="the name that the image gets (default: $IMAGE, else %(default)s)",
        )
    return parser


if __name__ == "__main__":
    sys.exit(main())

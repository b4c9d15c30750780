"""The command `zoe`: verbs and the modules that carry them out; nothing else.

Modules are imported by the verb that needs them: `zoe health` runs every few seconds.
"""

from __future__ import annotations

import argparse
import os
import sys

from appliance.errors import FAILURE_EXIT_CODE, ZoeError

DEFAULT_LOG_LINES = 200
DEFAULT_DRAIN_SECONDS = 3600.0


def main(arguments: list[str] | None = None) -> int:
    """Carry out the command line; return the exit code.

    A mistake of the operator ends in one line and 2, any other failure that we know in one
    line and 1.
    """
    given = _parser().parse_args(arguments)
    try:
        code = _carry_out(given)
        # Now rather than at the interpreter's end, where a failure cannot be handled.
        sys.stdout.flush()
    except ZoeError as error:
        for line in error.line().splitlines():
            sys.stderr.write(f"zoe: {line}\n")
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output, such as `head`, has seen enough. What is left of it goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILURE_EXIT_CODE
    except OSError as error:
        # A full disk, say, which can meet any verb.
        place = f"{error.filename}: " if error.filename else ""
        sys.stderr.write(f"zoe: {place}{error.strerror or error}\n")
        return FAILURE_EXIT_CODE
    return code


def _carry_out(given: argparse.Namespace) -> int:  # noqa: PLR0911 - a table of verbs
    match given.verb:
        case "run":
            from appliance.operations.run import run  # noqa: PLC0415

            return run()
        case "status":
            from appliance.operations.status import status  # noqa: PLC0415

            return status(as_json=given.json)
        case "health":
            from appliance.operations.health import health  # noqa: PLC0415

            return health(quiet=given.quiet, wait=given.wait)
        case "logs":
            from appliance.operations.logs import logs  # noqa: PLC0415

            return logs(program=given.program, follow=given.follow, lines=given.lines)
        case "config":
            from appliance.operations import config  # noqa: PLC0415

            return config.check() if given.action == "check" else config.show(as_json=given.json)
        case "worker":
            from appliance.operations import worker  # noqa: PLC0415

            return worker.drain(wait=given.wait) if given.action == "drain" else worker.resume()
        case _:
            from appliance.operations.version import version  # noqa: PLC0415

            return version(as_json=given.json)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="zoe", description="Prefect as an appliance.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    verbs.add_parser("run", help="run the appliance in the foreground until SIGTERM")

    status = verbs.add_parser("status", help="what runs, where it is reached, what is deployed")
    _json(status)

    health = verbs.add_parser("health", help="exit code 0 when every program does its work")
    health.add_argument("-q", "--quiet", action="store_true", help="say nothing when all is well")
    health.add_argument(
        "--wait", type=float, default=0, metavar="SECONDS", help="wait so long for all to be well"
    )

    logs = verbs.add_parser("logs", help="the log of all programs, or of one")
    logs.add_argument("program", nargs="?", help="such as server or worker")
    logs.add_argument("-f", "--follow", action="store_true", help="go on as lines are written")
    logs.add_argument(
        "-n",
        "--lines",
        type=_count,
        default=DEFAULT_LOG_LINES,
        metavar="COUNT",
        help="how many past lines (%(default)s)",
    )

    config = verbs.add_parser("config", help="check or show the settings")
    actions = config.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser(
        "check", help="say what is wrong with settings and ground, or that nothing is"
    )
    _json(actions.add_parser("show", help="every setting, its value and where that came from"))

    worker = verbs.add_parser("worker", help="take the worker here out of work, and back")
    doings = worker.add_subparsers(dest="action", required=True, metavar="ACTION")
    drain = doings.add_parser("drain", help="take no more runs; those that there are go on")
    drain.add_argument(
        "--wait",
        type=float,
        nargs="?",
        const=DEFAULT_DRAIN_SECONDS,
        metavar="SECONDS",
        help="wait for them to end, for so long (%(const)s)",
    )
    doings.add_parser("resume", help="take runs again")

    _json(verbs.add_parser("version", help="the versions of what runs here"))
    return parser


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of lines")
    return int(text)


def _json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for machines")


if __name__ == "__main__":
    sys.exit(main())

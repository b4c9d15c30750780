"""The command `zoe`: its verbs and their words; nothing else.

Each verb is carried out by the module of its name in `appliance.operations`, which is imported
when it is asked for: `zoe health` runs every few seconds.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module

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


def _carry_out(given: argparse.Namespace) -> int:
    module = import_module(f"appliance.operations.{given.verb}")
    code: int = module.carry_out(given)
    return code


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

    health.add_argument(
        "--strict", action="store_true", help="exit code 1 also for what no flow run needs"
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
    doings.add_parser("leave", help="once it has stopped: take its record from the server")

    deploy = verbs.add_parser("deploy", help="make the server hold what the projects declare")
    steps = deploy.add_subparsers(dest="action", required=True, metavar="ACTION")
    plan = steps.add_parser("plan", help="what an apply would do; changes nothing")
    plan.add_argument(
        "--exit-code", action="store_true", help="exit code 3 where there is something to do"
    )
    _json(plan)
    apply = steps.add_parser("apply", help="do it now, whatever ZOE_DEPLOY_INTERVAL says")
    apply.add_argument(
        "--allow-mass-delete",
        action="store_true",
        help="also where more than half of what the deployer has made would go",
    )

    backup = verbs.add_parser("backup", help="save everything, and look after what was saved")
    acts = backup.add_subparsers(dest="action", required=True, metavar="ACTION")
    _json(acts.add_parser("create", help="make a backup now, while everything runs"))
    _json(acts.add_parser("list", help="the backups that there are"))
    verify = acts.add_parser("verify", help="read a backup whole and check every byte of it")
    verify.add_argument("archive", nargs="?", help="a name or a path; the newest if left out")
    _json(verify)
    acts.add_parser("prune", help="remove all but the newest ZOE_BACKUP_KEEP")

    restore = verbs.add_parser("restore", help="put a backup in the place of the data")
    restore.add_argument(
        "archive",
        nargs="?",
        help="a path, or a name that `zoe backup list` shows; the newest if left out",
    )
    restore.add_argument(
        "--force", action="store_true", help="replace what is there, after saving it"
    )

    promote = verbs.add_parser("promote", help="move the data from SQLite to PostgreSQL")
    promote.add_argument(
        "--to",
        metavar="postgres|URL",
        help="the embedded one, or one of your own; left out: what ZOE_DATABASE names",
    )

    doctor = verbs.add_parser("doctor", help="what is wrong or will be, and what to do about it")
    doctor.add_argument("--fix", action="store_true", help="mend what can be mended safely")
    _json(doctor)

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

"""`zoe doctor`: what is wrong or will be, and what to do about it."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import dataclass

from appliance.doctor.examination import examine
from appliance.doctor.finding import Finding, Level
from appliance.errors import FAILURE_EXIT_CODE

COLOURS = {Level.OK: "32", Level.WARNING: "33", Level.PROBLEM: "31"}
NOT_MENDED = "left to you"


@dataclass(frozen=True)
class Result:
    """A finding and what came of `--fix`.

    Attributes:
        finding: The finding.
        mended: What was done about it; None when nothing was.
        failure: Why that did not work; empty when it did or was not tried.
    """

    finding: Finding
    mended: str | None = None
    failure: str = ""

    @property
    def is_open(self) -> bool:
        """Whether there is still something to do."""
        return not self.finding.is_well and self.mended is None


def carry_out(given: argparse.Namespace) -> int:
    """Examine, mend if asked to, and print; return 0 when nothing is left to do, 1 otherwise."""
    findings = examine()
    results = [mended(finding) if given.fix else Result(finding) for finding in findings]
    if given.json:
        sys.stdout.write(as_json(results) + "\n")
    else:
        colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        sys.stdout.write(rendered(results, fix=given.fix, colour=colour))
    return FAILURE_EXIT_CODE if any(result.is_open for result in results) else 0


def mended(finding: Finding) -> Result:
    """Do what is safe about a finding."""
    if finding.is_well or finding.mend is None:
        return Result(finding)
    try:
        return Result(finding, finding.mend())
    except OSError as error:
        return Result(finding, failure=error.strerror or str(error))


def as_json(results: list[Result]) -> str:
    """Return all of it for machines."""
    rows = [
        {**result.finding.to_json(), "mended": result.mended, "failure": result.failure or None}
        for result in results
    ]
    found = {"well": not any(result.is_open for result in results), "findings": rows}
    return json.dumps(found, indent=2)


def rendered(results: list[Result], *, fix: bool, colour: bool) -> str:
    """Return a table: a line for what is well, and the remedy below what is not.

    Args:
        results: In the order in which they are printed.
        fix: Whether it was asked to mend.
        colour: Whether the reader is a terminal.
    """
    width = max(len(result.finding.check) for result in results)
    levels = max(len(level) for level in Level)
    lines = []
    for result in results:
        finding = result.finding
        mark = f"{finding.level.value:<{levels}}"
        if colour:
            mark = f"\x1b[{COLOURS[finding.level]}m{mark}\x1b[0m"
        lines.append(f"{mark}  {finding.check:<{width}}  {finding.what}")
        if finding.is_well:
            continue
        lines.append(f"{'':<{levels}}  {'':<{width}}  -> {_outcome(result, fix=fix)}")
    left = sum(result.is_open for result in results)
    done = sum(result.mended is not None for result in results)
    lines += ["", _sum(left, done)]
    return "\n".join(lines) + "\n"


def _outcome(result: Result, *, fix: bool) -> str:
    if result.mended is not None:
        return f"mended: {result.mended}"
    if result.failure:
        return f"could not be mended ({result.failure}); {result.finding.remedy}"
    if fix:
        return f"{NOT_MENDED}: {result.finding.remedy}"
    if result.finding.mend is not None:
        return f"{result.finding.remedy} (--fix does it)"
    return result.finding.remedy


def _sum(left: int, done: int) -> str:
    mended_words = f"{done} mended, " if done else ""
    if not left:
        return f"{mended_words}nothing left to do" if done else "nothing to do"
    return f"{mended_words}{left} to look at"

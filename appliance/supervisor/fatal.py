"""The record of a program that was given up: it decides the exit code of PID 1."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from appliance.errors import FAILURE_EXIT_CODE
from appliance.files import read_json, write_json
from appliance.layout import Runtime


@dataclass(frozen=True)
class Fatal:
    """Which program was given up, and why.

    Attributes:
        program: Its name.
        reason: Half a sentence, such as `it ended 4 times within 20 s of its start`.
        last_line: The last line that it wrote; may be empty.
        exit_code: What PID 1 shall end with: the program's own verdict on whose fault it is.
    """

    program: str
    reason: str
    last_line: str
    exit_code: int = FAILURE_EXIT_CODE

    def line(self, parting: str = "") -> str:
        """Return the one line for the log.

        Args:
            parting: What the program said last, for a record of somebody who had not heard it.
        """
        last_line = self.last_line or parting
        said = f"; its last line was: {last_line}" if last_line else ""
        return f"gave up on {self.program}: {self.reason}{said}"


def record(runtime: Runtime, fatal: Fatal) -> None:
    """Note the first program that was given up; what follows from it does not count."""
    if not runtime.fatal_report.exists():
        write_json(runtime.fatal_report, asdict(fatal))


def recorded(runtime: Runtime) -> Fatal | None:
    """Return the record; None when nothing was given up."""
    report = read_json(runtime.fatal_report)
    return Fatal(**report) if report else None

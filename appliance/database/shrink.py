"""The job `shrink`: `python -m appliance.database.shrink`, nightly, beside the running server."""

from __future__ import annotations

import sys

from appliance.database.shrinking import shrink
from appliance.errors import ZoeError
from appliance.layout import Layout
from appliance.log import say
from appliance.maintenance.outcome import recording
from appliance.settings import DatabaseEngine, load


def main() -> int:
    """Shrink the SQLite database and write down how that went; return the exit code."""
    try:
        settings = load().settings
        layout = Layout(settings.data_dir)
        if settings.engine is not DatabaseEngine.SQLITE or not layout.sqlite_file.exists():
            return 0
        with recording(layout, "shrink") as outcome:
            outcome.line = shrink(layout.sqlite_file)
        say(f"shrink: {outcome.line}")
    except ZoeError as error:
        say(f"shrink failed: {error.line()}", "ERROR")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())

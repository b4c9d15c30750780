"""Prefect's UI as it is served: its files with the path below which they live written into them.

Prefect makes that copy, 17 MB, when a server starts for the first time. For the usual path, the
root, it is made when an image is built or a host installed:

    python -m appliance.server.ui DIRECTORY
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from appliance.database.revisions import prefect_version
from appliance.files import make_private_dir
from appliance.layout import Layout
from appliance.settings import Settings

NAME = "ui"
STAMP = "prefect-version"


def prepare(settings: Settings, layout: Layout, templates: Path) -> Path:
    """Return the directory in which the files are, or in which Prefect is to put them.

    Args:
        settings: They tell the path.
        layout: Where a copy of this installation's own would be.
        templates: Where ready-made things are. What another Prefect has left there is of no use:
            Prefect would want to write it anew.
    """
    made = templates / NAME
    if settings.base_path or not _is_of_this_prefect(made):
        make_private_dir(layout.ui)
        return layout.ui
    return made


def _is_of_this_prefect(made: Path) -> bool:
    try:
        return (made / STAMP).read_text(encoding="utf-8") == prefect_version()
    except OSError:
        return False


def make(target: Path) -> None:
    """Have Prefect write its files to `target`; for a process that does nothing else."""
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {
            "PREFECT_HOME": home,
            "PREFECT_SERVER_UI_SERVE_BASE": "/",
            "PREFECT_SERVER_UI_STATIC_DIRECTORY": str(target),
        }
        # Imported here because Prefect reads its settings from the environment at import.
        from prefect.server.api.server import create_app  # noqa: PLC0415

        target.mkdir(parents=True, exist_ok=True)
        create_app(final=True)
    for lock in target.glob(".*.lock"):
        lock.unlink()
    (target / STAMP).write_text(prefect_version(), encoding="utf-8")


if __name__ == "__main__":
    make(Path(sys.argv[1]) / NAME)

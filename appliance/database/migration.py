"""A backup, and then the migration of a database to the schema of a newer Prefect.

Prefect migrates at its start and keeps no way back. So we do it before, in a process of its own:
what fails can then be told in words, together with the backup to go back to.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from appliance import tied
from appliance.database import revisions
from appliance.database.findings import Findings
from appliance.database.revisions import Known, Standing
from appliance.errors import OperatorError, ZoeError
from appliance.files import make_private_dir, read_json, write_atomically
from appliance.layout import Layout
from appliance.log import say
from appliance.settings import Settings

LABEL = "before-migration"
COMMAND = (sys.executable, "-P", "-m", "appliance.database.schema", "--migrations-only")

MakeBackup = Callable[[], object]


def bring_up_to_date(
    settings: Settings,
    layout: Layout,
    found: Findings,
    environment: Mapping[str, str],
    make_backup: MakeBackup,
) -> bool:
    """Migrate a database that an older Prefect has left, after a backup.

    An empty one is left to Prefect, as it was before: there is nothing to lose.

    Args:
        settings: Which database it is.
        layout: Where it is noted that a migration is under way.
        found: What is known of the database.
        environment: What Prefect needs to find it.
        make_backup: Makes the backup and returns its name or path.

    Returns:
        Whether its schema is now known to be that of the installed Prefect.

    Raises:
        OperatorError: The backup failed, and nothing was changed; or the migration failed.
    """
    known = revisions.known(settings.engine)
    standing = revisions.standing(found.revisions, known)
    if standing is not Standing.OLDER:
        layout.migration.unlink(missing_ok=True)
        return standing is Standing.CURRENT
    backup = _backup(layout, found, known, make_backup)
    goal = f"Prefect {revisions.prefect_version()}"
    say(f"migrating the database for {goal}; the backup before it is {backup}")
    last_line, code = _migrate(environment)
    if code:
        raise OperatorError(
            f"the migration of the database for {goal} failed: {last_line}",
            where=f"backup {backup}",
            remedy="try again, or go back with the Zoe that you had: zoe restore --force "
            f"{backup}, and start it",
        )
    layout.migration.unlink()
    say(f"the database is migrated for {goal}")
    return True


def _backup(layout: Layout, found: Findings, known: Known, make_backup: MakeBackup) -> str:
    """Make the backup, unless an attempt that failed has made it; return its name or path.

    A container that is restarted again and again must not fill its disk with backups, and the
    one from before the first attempt is worth more than one of a database half migrated.
    """
    note = read_json(layout.migration)
    if note and note.get("to") == known.head and _is_there(str(note.get("backup"))):
        return str(note["backup"])
    say(f"a backup before the migration to Prefect {revisions.prefect_version()} begins")
    try:
        backup = str(make_backup())
        make_private_dir(layout.migration.parent)
        note = {"from": sorted(found.revisions), "to": known.head, "backup": backup}
        write_atomically(layout.migration, json.dumps(note), durable=True)
    except (ZoeError, OSError) as error:
        reason = error.what if isinstance(error, ZoeError) else error.strerror or str(error)
        raise OperatorError(
            f"the database must be migrated for Prefect {revisions.prefect_version()}, and the "
            f"backup before that failed: {reason}",
            where="ZOE_BACKUP_TARGET",
            remedy="make room or name another target, and start again; nothing was migrated",
        ) from None
    return backup


def _is_there(backup: str) -> bool:
    """Tell whether a backup can still be counted on; of one in a bucket we take that as given."""
    return not Path(backup).is_absolute() or os.path.lexists(backup)


def _migrate(environment: Mapping[str, str]) -> tuple[str, int]:
    """Run the migrations; pass their output on, and return its last line and the exit code."""
    last_line = b""
    with tied.popen(
        COMMAND,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        for line in process.stdout or ():
            # The prefix keeps PID 1 from taking a traceback's end for the last word on the matter.
            sys.stdout.buffer.write(b"migration: " + line)
            sys.stdout.flush()
            last_line = line.strip() or last_line
    return last_line.decode(errors="replace"), process.returncode

"""The restore drill: prove that the newest backup can be restored, by doing so.

    python -m appliance.backup.drill

It is read from where backups go, verified, unpacked into a scratch directory on the data volume, a
Prefect server is started on it, and what that holds is compared with what the archive promises.
Nothing of the running appliance is touched; of its own nothing is left but the outcome.
"""

from __future__ import annotations

import os
import sys
import time

from appliance.api import Api
from appliance.backup import archive, choosing, restoring, staging, trial
from appliance.backup.manifest import Manifest
from appliance.backup.scratch import scratch
from appliance.database import postgres
from appliance.errors import WorldError, ZoeError
from appliance.files import make_private_dir
from appliance.layout import Layout
from appliance.log import say
from appliance.maintenance import outcome
from appliance.settings import DatabaseEngine, Settings, load

JOB = "drill"


def drill(settings: Settings, layout: Layout) -> None:
    """Restore the newest backup into a scratch directory, and put on record how that went.

    Raises:
        OperatorError: There is no backup, or its passphrase is missing or wrong.
        WorldError: It is damaged, or it does not come up as it was.
    """
    with outcome.recording(layout, JOB) as record:
        began = time.monotonic()
        chosen = choosing.choose(None, settings, layout)
        record.details = {"archive": chosen.name}
        passphrase = choosing.passphrase_of(settings)
        with chosen.open() as source:
            manifest = archive.read_manifest_from(source, chosen.name, passphrase)
        bin_dir = None
        if manifest.engine != DatabaseEngine.SQLITE:
            bin_dir = postgres.find_bin_dir(settings.postgres_bin_dir)
        make_private_dir(layout.data)
        staging.check_space(layout.data, manifest, with_cluster=bin_dir is not None)
        with scratch(layout.data, staging.DRILL) as directory:
            fresh = Layout(directory / "data")
            with chosen.open() as source:
                archive.extract_from(source, chosen.name, fresh.data, passphrase)
            restoring.complete(fresh, manifest, bin_dir)
            with trial.serving(fresh, bin_dir) as api:
                check(api, manifest)
        seconds = round(time.monotonic() - began, 1)
        record.details |= {"seconds": seconds, "tables": dict(manifest.tables)}
        record.line = (
            f"{chosen.name} was restored, started and counted in {seconds:g} s: "
            f"{sum(manifest.tables.values())} rows in {len(manifest.tables)} tables"
        )


def check(api: Api, manifest: Manifest) -> None:
    """Ask the started server for what only a sound restore can answer.

    Raises:
        WorldError: It counts other flow runs than the archive has, or cannot read a secret block.
    """
    counted = api.post("/flow_runs/count", {})
    if counted != manifest.tables.get("flow_run", 0):
        raise WorldError(
            f"the server on the restored data counts {counted} flow runs, and the archive's "
            f"manifest says {manifest.tables.get('flow_run', 0)}"
        )
    # Decrypts them; with another key the server fails.
    api.post("/block_documents/filter", {"include_secrets": True})


def main() -> int:
    """Carry it out once; return the exit code."""
    os.umask(0o077)
    try:
        settings = load().settings
        layout = Layout(settings.data_dir)
        drill(settings, layout)
    except ZoeError as error:
        say(f"the restore drill failed: {error.line()}", "ERROR")
        return error.exit_code
    done = outcome.read(layout, JOB)
    say(done.line if done else "")
    return 0


if __name__ == "__main__":
    sys.exit(main())

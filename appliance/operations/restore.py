"""`zoe restore`: put a backup in the place of the data, which is saved first.

Offline: it holds the data directory's lock. Everything is unpacked, verified and made ready in a
hidden directory; what is in force is exchanged for it in the end, by renames that a journal
completes whatever happens. Only a database of the operator's own is changed before that, in one
transaction; should we die between the two, the same command again completes it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr

from appliance import __version__, credentials, exchange, exclusive, preflight
from appliance.backup import (
    archive,
    choosing,
    creating,
    dump,
    fitting,
    restoring,
    staging,
    unsettled,
)
from appliance.backup.choosing import Chosen
from appliance.backup.manifest import Manifest
from appliance.backup.names import TIME_FORMAT
from appliance.backup.postgres_snapshot import Address, external, find_program
from appliance.backup.scratch import scratch
from appliance.database import postgres, revisions
from appliance.errors import OperatorError, ZoeError
from appliance.files import make_private_dir
from appliance.layout import Layout
from appliance.settings import Component, DatabaseEngine, Settings, load
from appliance.worker.ledger import Ledger, identity_of

SAFETY_LABEL = "before-restore"
TERMINATED = 128 + signal.SIGTERM


def carry_out(given: argparse.Namespace) -> int:
    """Carry out the command line."""
    os.umask(0o077)
    # The first process of a container ignores it otherwise; and so what was unpacked is removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    settings = load().settings
    Restore(settings, Layout(settings.data_dir), force=given.force).carry_out(given.archive)
    return 0


class Restore:
    """One restore.

    Args:
        settings: Those that will be in force on the restored data.
        layout: The data directory.
        force: Replace what is there.
    """

    def __init__(self, settings: Settings, layout: Layout, *, force: bool) -> None:
        self._settings = settings
        self._layout = layout
        self._force = force
        self._passphrase = choosing.passphrase_of(settings)
        self._external: Address | None = None
        if settings.engine is DatabaseEngine.EXTERNAL_POSTGRES:
            self._external = external(settings.database.get_secret_value())

    def carry_out(self, given: str | None) -> None:
        """Restore an archive.

        Args:
            given: A path, a name within the backup target, or None for the newest there.

        Raises:
            OperatorError: It does not fit, or there is data and `force` was not given; nothing was
                changed.
            WorldError: The archive is damaged, or the disk or a database did not do its part;
                nothing was changed.
        """
        self._check_ground()
        with exclusive.holding(self._layout):
            exchange.recover(self._layout)
            # Now: a database of the operator's own is changed before the exchange would refuse.
            exchange.check(self._layout, restoring.replaced(self._layout, self._settings.engine))
            self._restore(given)

    def _restore(self, given: str | None) -> None:
        chosen = choosing.choose(given, self._settings, self._layout)
        with chosen.open() as source:
            manifest = archive.read_manifest_from(source, chosen.name, self._passphrase)
        fitting.check(manifest, chosen.name, self._ours())
        occupied = self._occupied(manifest, chosen)
        bin_dir = None
        if self._settings.engine is DatabaseEngine.EMBEDDED_POSTGRES:
            bin_dir = postgres.find_bin_dir(self._settings.postgres_bin_dir)
        staging.check_space(self._layout.data, manifest, with_cluster=bin_dir is not None)
        with ExitStack() as to_the_end:
            with self._scratch() as directory:
                fresh = Layout(directory / "data")
                _say(f"reading {chosen.name}")
                with chosen.open() as source:
                    archive.extract_from(source, chosen.name, fresh.data, self._passphrase)
                self._compare_secrets(fresh, chosen.name)
                _say("checking it against its manifest")
                restoring.complete(fresh, manifest, bin_dir)
                if self._external:
                    self._check_others(fresh, self._external)
                saved = self._save() if occupied else ""
                to_the_end.enter_context(_undisturbed())
                if self._external:
                    self._load(fresh, manifest, self._external)
                kept = self._exchange(fresh)
            self._report(chosen, manifest, saved, kept)

    def _scratch(self) -> AbstractContextManager[Path]:
        layout = self._layout
        # While there is a journal, what it promises lies there and nowhere else.
        return scratch(layout.data, staging.RESTORE, keep=lambda: exchange.is_pending(layout))

    def _check_ground(self) -> None:
        if Component.SERVER not in self._settings.runs_here:
            raise OperatorError(
                "there is nothing to restore on a machine without a server",
                where="ZOE_COMPONENTS",
                remedy="restore where the server runs",
            )
        preflight.data_directory(self._layout)
        make_private_dir(self._layout.data)

    def _ours(self) -> fitting.Ours:
        engine = self._settings.engine
        known = revisions.known(engine)
        return fitting.Ours(__version__, revisions.prefect_version(), engine, known.all)

    def _occupied(self, manifest: Manifest, chosen: Chosen) -> bool:
        """Tell whether there is data already, which takes `--force`."""
        layout = self._layout
        places: list[Path | str] = [
            place
            for place in (layout.stamp, layout.sqlite_file, layout.postgres_data)
            if place.exists()
        ]
        places += [secret for secret in (layout.encryption_key,) if secret.exists()]
        if self._external:
            tables = asyncio.run(dump.rows(self._external))
            dump.check_room(manifest.tables, tables)
            places += ["the database that ZOE_DATABASE names"] if tables else []
        if places and not self._force:
            raise OperatorError(
                f"there is data already: {places[0]}",
                where=f"{chosen.name} was not restored, nothing was changed",
                remedy="use an empty data directory or volume, or `zoe restore --force`, which "
                "saves what is there and then replaces it",
            )
        return bool(places)

    def _compare_secrets(self, fresh: Layout, name: str) -> None:
        settings = self._settings
        fitting.check_key(_read(fresh.encryption_key), _given(settings.encryption_key), name)
        for note in fitting.notes(_read(fresh.admin_password), _given(settings.admin_password)):
            _say(note)

    def _check_others(self, fresh: Layout, address: Address) -> None:
        program = find_program(self._settings, "pg_restore")
        others = asyncio.run(dump.schemas_of_others(address))
        dump.check_schemas(program, fresh.data / dump.PLACE, others)

    def _save(self) -> str:
        """Back up what is there; return the archive's name, empty where it cannot be read."""
        _say("backing up what is there")
        # Of a database whose data directory is lost they are what is to come back.
        missing = credentials.missing(self._settings, self._layout)
        try:
            made = creating.create(
                self._settings, self._layout, label=SAFETY_LABEL, locked=True, without=missing
            )
        except (ZoeError, OSError) as error:
            if self._external:
                # Its rows would be gone, while files are only moved.
                raise
            _say(f"what is there cannot be backed up, its files are kept: {error}")
            return ""
        if missing:
            names = " and ".join(path.name for path in missing)
            _say(f"that backup is without the secrets {names}, which are not there")
        return str(made)

    def _load(self, fresh: Layout, manifest: Manifest, address: Address) -> None:
        _say("loading the database")
        file = fresh.data / dump.PLACE
        program = find_program(self._settings, "pg_restore")
        dump.load(program, file, address, replace=self._force)
        restoring.compare(manifest.tables, asyncio.run(dump.rows(address)))
        runs = asyncio.run(dump.under_way(address))
        unsettled.note(fresh, runs, shared_by=identity_of(self._layout.ledger))

    def _exchange(self, fresh: Layout) -> Path:
        kept = self._layout.data / f"replaced-{datetime.now(UTC).strftime(TIME_FORMAT)}"
        entries = restoring.replacements(self._layout, fresh, self._settings.engine)
        exchange.exchange(self._layout, entries, kept)
        return kept

    def _report(self, chosen: Chosen, manifest: Manifest, saved: str, kept: Path) -> None:
        made_at = manifest.made_at.strftime("%Y-%m-%d %H:%M")
        runs = manifest.tables.get("flow_run", 0)
        _say(f"restored {chosen.name}, made at {made_at} UTC; flow runs in it: {runs}")
        if kept.exists():
            _say(f"what was there is kept in {kept}; remove it when you do not need it")
        if saved:
            _say(f"and in the backup {saved}")
        under_way = len(list(Ledger(self._layout.ledger).entries()))
        if under_way:
            _say(
                f"flow runs that were under way: {under_way}; the worker settles them at its start"
            )
        archived_settings = self._layout.data / restoring.RESTORED_SETTINGS
        if archived_settings.exists():
            _say(f"the settings it was made with are in {archived_settings}, not in force")


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let no signal that asks us to stop come between what must be done together.

    Programs that we start do not inherit this, as they would a signal that is ignored: a Ctrl-C
    ends a `pg_restore` that has not committed yet, and so us.
    """
    asked_to_stop = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, lambda *_: None) for number in asked_to_stop]
    try:
        yield
    finally:
        for number, handler in zip(asked_to_stop, before, strict=True):
            signal.signal(number, handler)


def _read(secret: Path) -> str | None:
    try:
        return secret.read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None


def _given(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()

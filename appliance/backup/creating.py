"""Make a backup: snapshot, pack, hand over to the target, let the oldest go."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from appliance import exchange, stamp
from appliance.backup import archive, contents, pruning
from appliance.backup.choosing import passphrase_of, target_of
from appliance.backup.manifest import Manifest
from appliance.backup.names import ArchiveName
from appliance.backup.scratch import scratch
from appliance.backup.snapshot import source_of
from appliance.backup.target import Target
from appliance.errors import OperatorError, WorldError
from appliance.files import make_private_dir
from appliance.layout import Layout
from appliance.maintenance import outcome
from appliance.operations.version import versions
from appliance.settings import Settings

JOB = "backup"
# Left to the running system, should the target share its disk: a log's and a WAL's worth.
RESERVE_BYTES = 32 * 1024 * 1024
MEGABYTE = 1e6

Say = Callable[[str], None]


@dataclass(frozen=True)
class Created:
    """A backup that was made.

    Attributes:
        name: Of the archive.
        place: The directory or bucket that holds it.
        size: In bytes.
        manifest: What is in it.
    """

    name: str
    place: str
    size: int
    manifest: Manifest

    def __str__(self) -> str:
        return f"{self.place}/{self.name}"


def create(
    settings: Settings,
    layout: Layout,
    *,
    label: str = "",
    locked: bool = False,
    without: Collection[Path] = frozenset(),
    say: Say = lambda _: None,
) -> Created:
    """Make a backup of everything, whether or not Zoe runs, and keep as many as are wanted.

    One without a label is what `zoe health` judges by, and makes older ones go. A failure leaves
    the target's archives as they were.

    Args:
        settings: What is in use, and where backups go.
        layout: Where the data lies.
        label: Why it is made, such as `before-migration`: small letters and hyphens.
        locked: Whether the caller holds the data directory's lock (`appliance.exclusive`).
        without: Secrets that are known to be missing (`credentials.missing`); any other that is
            missing is a failure.
        say: Is told what is being done, in a line each.

    Raises:
        OperatorError: There is nothing to back up here, or another backup is being made.
        WorldError: Database or target do not do their part, or there is no space.
    """
    with _one_at_a_time(layout):
        if label:
            return _create(settings, layout, label=label, locked=locked, without=without, say=say)
        with outcome.recording(layout, JOB) as record:
            made = _create(settings, layout, label=label, locked=locked, without=without, say=say)
            removed = prune(settings, layout)
            record.line = f"{made} ({made.size / MEGABYTE:.1f} MB)"
            record.details = {
                "archive": made.name,
                "place": made.place,
                "size": made.size,
                "removed": removed,
            }
            return made


def prune(settings: Settings, layout: Layout) -> list[str]:
    """Remove the archives that have had their day; return their names.

    Raises:
        WorldError: The target does not let us.
    """
    target = target_of(settings, layout)
    there = [stored.name for stored in target.stored()]
    doomed = [str(name) for name in pruning.superfluous(there, settings.backup_keep)]
    for name in doomed:
        target.delete(name)
    return doomed


def _create(
    settings: Settings,
    layout: Layout,
    *,
    label: str,
    locked: bool,
    without: Collection[Path],
    say: Say,
) -> Created:
    _refuse_half_exchanged(layout)
    target = target_of(settings, layout)
    staging = target.staging
    with (
        _space_in_words(staging),
        source_of(settings, layout, locked=locked) as source,
        scratch(staging) as directory,
    ):
        staged = directory / "staged"
        staged.mkdir()
        _check_space(staging, source.size() + contents.size(layout))
        name = _free_name(target, label, encrypted=settings.backup_passphrase is not None)
        say("copying the database")
        snapshot = source.take(staged)
        say("copying secrets, settings and results")
        contents.stage(settings, layout, staged, without=without)
        _refuse_half_exchanged(layout)
        installed = versions()
        manifest = Manifest(
            zoe=stamp.read(layout) or installed["zoe"],
            prefect=installed["prefect"],
            made_at=name.made_at,
            engine=snapshot.engine,
            revision=snapshot.revision,
            tables=snapshot.tables,
            files=archive.file_entries(staged),
        )
        say("packing")
        path = directory / str(name)
        archive.write(path, staged, manifest, passphrase_of(settings))
        size = path.stat().st_size
        say(f"storing in {target}")
        target.put(path)
    return Created(str(name), str(target), size, manifest)


def _refuse_half_exchanged(layout: Layout) -> None:
    """Refuse what would pair one backup's database with another's key."""
    if exchange.is_pending(layout):
        raise WorldError(
            "a restore is putting other data in place, or was interrupted while it did",
            where=str(layout.exchange_journal),
            remedy="wait for its end, or start Zoe, which finishes it; then make the backup",
        )


def _free_name(target: Target, label: str, *, encrypted: bool) -> ArchiveName:
    """Return a name that no archive has; it may mean to wait for the next second."""
    taken = {stored.name.made_at for stored in target.stored()}
    while True:
        now = datetime.now(UTC).replace(microsecond=0)
        if now not in taken:
            return ArchiveName(now, label, encrypted)
        time.sleep(0.1)


def _check_space(staging: Path, content: int) -> None:
    """Refuse to begin what would fill a disk: the copies, and the archive of about half of them."""
    needed = content + content // 2 + RESERVE_BYTES
    free = shutil.disk_usage(staging).free
    if free < needed:
        raise WorldError(
            f"a backup needs about {needed / MEGABYTE:.0f} MB, and {free / MEGABYTE:.0f} MB are "
            f"free on the disk of {staging}",
            remedy="make room, or name another disk by ZOE_BACKUP_TARGET",
        )


@contextlib.contextmanager
def _space_in_words(staging: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        raise WorldError(
            f"no backup could be made in {staging}: {error.strerror or error}{place}",
            remedy=f"make room there and let uid {os.getuid()} write, or name another place by "
            "ZOE_BACKUP_TARGET",
        ) from error


@contextlib.contextmanager
def _one_at_a_time(layout: Layout) -> Iterator[None]:
    """Hold the lock of backups, which dies with its holder (flock(2))."""
    make_private_dir(layout.maintenance)
    path = layout.maintenance / "backup.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OperatorError(
                "another backup is being made",
                where=str(path),
                remedy="wait for its end: zoe backup list",
            ) from None
        yield
    finally:
        os.close(descriptor)

"""The target that the settings name, and the archive that an operator means."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.backup.names import ArchiveName
from appliance.backup.seal import Readable
from appliance.backup.target import DirectoryTarget, Target
from appliance.errors import OperatorError
from appliance.layout import Layout
from appliance.settings import Settings

BUCKET_SCHEME = "s3://"


def target_of(settings: Settings, layout: Layout) -> Target:
    """Return the target that is in force; nothing is asked of it yet."""
    given = settings.backup_target
    if given is None:
        return DirectoryTarget(layout.backups)
    if given.startswith(BUCKET_SCHEME):
        # Only here: it costs 50 ms, and most have no bucket.
        from appliance.backup.bucket import BucketTarget  # noqa: PLC0415

        return BucketTarget(given, settings, layout.backups)
    return DirectoryTarget(Path(given))


def passphrase_of(settings: Settings) -> str | None:
    """Return the passphrase of archives; None where they are not encrypted."""
    secret = settings.backup_passphrase
    return secret.get_secret_value() if secret else None


@dataclass(frozen=True)
class Chosen:
    """An archive, wherever it is.

    Attributes:
        name: Its file name; `.enc` at the end tells that it is encrypted.
        place: The directory or bucket that holds it.
        target: The place, as something that opens it.
    """

    name: str
    place: str
    target: Target

    @contextlib.contextmanager
    def open(self) -> Iterator[Readable]:
        """Open it for reading from its beginning.

        Raises:
            WorldError: It cannot be read.
        """
        with self.target.open(self.name) as source:
            yield source


def choose(given: str | None, settings: Settings, layout: Layout) -> Chosen:
    """Return the archive that is meant.

    Args:
        given: A path; or a name within the target; or None for the newest.
        settings: They name the target.
        layout: Holds the target that is one by default.

    Raises:
        OperatorError: There is no such archive, or none at all.
        WorldError: The target cannot be asked.
    """
    if given is not None and ("/" in given or Path(given).is_file()):
        path = Path(given).absolute()
        if not path.is_file():
            raise OperatorError(
                f"there is no archive {given}",
                where=f"looked for {path}",
                remedy="give a path within reach of this process, or a name that "
                "`zoe backup list` shows",
            )
        return Chosen(path.name, str(path.parent), DirectoryTarget(path.parent))
    target = target_of(settings, layout)
    there = [stored.name for stored in target.stored()]
    name = str(newest(there)) if given is None and there else given
    if name is None:
        raise OperatorError(
            "there is no backup yet", where=str(target), remedy="make one: zoe backup create"
        )
    if name not in map(str, there):
        raise OperatorError(
            f"there is no archive {name}",
            where=str(target),
            remedy="give a name that `zoe backup list` shows, or a path",
        )
    return Chosen(name, str(target), target)


def newest(there: Sequence[ArchiveName]) -> ArchiveName | None:
    """Return the newest; of those with a label only where there are no others.

    What was saved before a restore or a migration is not what "the newest backup" means.
    """
    return max((name for name in there if not name.label), default=max(there, default=None))

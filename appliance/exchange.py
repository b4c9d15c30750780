"""Exchange several entries of the data directory for others, so that all change or none.

A rename is atomic, several are not. The moves are written into a journal first, and the journal is
removed when the last is made: whoever finds one goes on from where the moves stopped. Everything
that is moved in must be complete by then, so that going on always succeeds.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from appliance.errors import OperatorError, WorldError
from appliance.files import make_private_dir, sync_file_system, write_atomically
from appliance.layout import Layout

Move = tuple[str, str]


def exchange(layout: Layout, replacements: Mapping[Path, Path | None], keep_as: Path) -> None:
    """Put every replacement in the place of its target and keep what was there.

    The caller holds the directory's lock (`appliance.exclusive`).

    Args:
        layout: The data directory; targets, replacements and `keep_as` lie in it.
        replacements: By target, what comes in its place: a file or a directory that is complete;
            None where nothing shall be there.
        keep_as: The directory, not there yet, that receives what was at the targets, under its
            path in the data directory. It is made only where there is something to keep.

    Raises:
        OperatorError: A target cannot be renamed; see `check`.
        WorldError: The journal of an earlier exchange is still there, or a rename failed; see
            `recover`.
        OSError: The disk refused the journal; nothing was moved.
    """
    if is_pending(layout):
        raise WorldError("an earlier exchange is not finished", where=str(layout.exchange_journal))
    check(layout, replacements)
    moves = list(_moves(layout, replacements, keep_as))
    for _, destination in moves:
        make_private_dir((layout.data / destination).parent)
    # What comes in must outlast a power cut before the journal promises it.
    sync_file_system(layout.data)
    write_atomically(layout.exchange_journal, json.dumps({"moves": moves}), durable=True)
    recover(layout)


def check(layout: Layout, targets: Iterable[Path]) -> None:
    """Refuse targets of which it can be seen that they cannot be renamed.

    Raises:
        OperatorError: One is a mount of its own, or another user's directory.
    """
    for target in targets:
        _refuse_a_mount(layout, target)
        _refuse_what_is_not_ours(target)


def is_pending(layout: Layout) -> bool:
    """Tell whether an exchange was begun and not finished."""
    return os.path.lexists(layout.exchange_journal)


def recover(layout: Layout) -> bool:
    """Finish what an interrupted exchange began; tell whether there was one.

    Raises:
        WorldError: Its journal cannot be read, or something that it names is gone, and nothing was
            moved; or the disk refused, and the next call goes on.
    """
    try:
        text = layout.exchange_journal.read_text(encoding="utf-8")
        moves: list[Move] = [
            (str(source), str(destination)) for source, destination in json.loads(text)["moves"]
        ]
    except FileNotFoundError:
        return False
    except (ValueError, KeyError, TypeError):
        raise WorldError(
            "the journal of an interrupted exchange of data cannot be read",
            where=str(layout.exchange_journal),
            remedy="the entries with a name of their own in that directory are the data; put them "
            "in place by hand and remove the journal",
        ) from None
    lost = _lost(layout, moves)
    if lost:
        raise WorldError(
            f"an exchange of data was interrupted, and {layout.data / lost} is gone, which it was "
            "to bring in",
            where=str(layout.exchange_journal),
            remedy="nothing was moved now; move back what lies in replaced-… of that directory, if "
            "there is such a one, and remove the journal: that is the data as they were",
        )
    try:
        for source, destination in moves:
            _move(layout.data / source, layout.data / destination)
        # The renames must be on disk before the journal goes.
        sync_file_system(layout.data)
        layout.exchange_journal.unlink()
    except OSError as error:
        raise WorldError(
            f"the exchange of data is not finished: {error}",
            where=str(layout.exchange_journal),
            remedy="mend that; the next start of Zoe goes on with it",
        ) from error
    return True


def _lost(layout: Layout, moves: Sequence[Move]) -> str | None:
    """Return the first thing that the moves would miss, having gone through them in thought."""
    is_there: dict[str, bool] = {}
    for source, destination in moves:
        for place in (source, destination):
            is_there.setdefault(place, os.path.lexists(layout.data / place))
        if is_there[destination]:
            continue
        if not is_there[source]:
            return source
        is_there |= {source: False, destination: True}
    return None


def _moves(
    layout: Layout, replacements: Mapping[Path, Path | None], keep_as: Path
) -> Iterator[Move]:
    """Yield source and destination, below the data directory, in the order of the renames."""
    for target, replacement in replacements.items():
        place = target.relative_to(layout.data)
        if os.path.lexists(target):
            yield str(place), str(keep_as.relative_to(layout.data) / place)
        if replacement is not None:
            yield str(replacement.relative_to(layout.data)), str(place)


def _move(source: Path, destination: Path) -> None:
    """Rename unless that was done before.

    No destination is there at the beginning, but for those whose content an earlier move takes
    away. So one that is there was put there by us, and a source that is gone was moved by us.
    """
    if os.path.lexists(source) and not os.path.lexists(destination):
        source.rename(destination)


def _refuse_a_mount(layout: Layout, target: Path) -> None:
    # A link in the place of a target is renamed itself; one on the way there is not.
    place = target.parent.resolve() / target.name
    for mount in _mounts():
        if mount.is_relative_to(place) and mount != layout.data.resolve():
            raise OperatorError(
                f"{mount} is a volume of its own, which cannot be exchanged in one step",
                where="the mounts of this container or host",
                remedy="do this without that mount, and copy what belongs there afterwards",
            )


def _refuse_what_is_not_ours(target: Path) -> None:
    """Refuse what we may not move: a directory's own `..` must be written, too (rename(2))."""
    written = [target.parent, *([target] if target.is_dir() and not target.is_symlink() else [])]
    for place in written:
        if place.exists() and not os.access(place, os.W_OK | os.X_OK):
            raise OperatorError(
                f"{place} belongs to uid {place.stat().st_uid}, and uid {os.getuid()} may not "
                f"move {'it' if place == target else 'what is in it'}",
                where="ZOE_DATA_DIR",
                remedy=f"chown it to {os.getuid()}, with all that is in it",
            )


def _mounts() -> Iterator[Path]:
    """Yield where something is mounted: field 5, blanks in octal (proc_pid_mountinfo(5))."""
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        yield Path(re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), line.split()[4]))

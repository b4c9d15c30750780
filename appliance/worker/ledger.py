"""Which process runs which flow run, on disk, so that the next worker can tell what became of them.

One small file a run. It is written before the run is anybody else's business and removed after
its end is recorded on the server; what lies there when a worker starts is left from a death.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import UUID, uuid4

from appliance.files import make_private_dir, read_json, write_atomically, write_json

IDENTITY = ".identity"


@dataclass(frozen=True)
class Entry:
    """A flow run that a worker here has taken.

    Attributes:
        flow_run_id: The run.
        pid: Its process; 0 until that has started.
        started: When that process started, in the kernel's clock ticks since boot, which tells a
            process from a later one of the same number. (proc_pid_stat(5), field 22.)
        boot_id: Which boot of the machine that was. (random(4), `/proc/sys/kernel/random/boot_id`)
        restored_from: Of a run that came with a backup, the identity of the ledger there, which its
            mark names; else empty. It goes for this run alone: that ledger may live on elsewhere.
    """

    flow_run_id: str
    pid: int
    started: int
    boot_id: str
    restored_from: str = ""

    def is_alive(self) -> bool:
        """Tell whether the very process is still there."""
        if not self.pid or self.boot_id != boot_id():
            return False
        return start_ticks(self.pid) == self.started


class Ledger:
    """The entries of one machine.

    Args:
        directory: Where they lie.

    Attributes:
        identity: Differs from that of every other ledger.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        make_private_dir(directory)
        self.identity = identity_of(directory) or _new_identity(directory)

    def note(self, flow_run_id: UUID | str, pid: int = 0, *, restored_from: str = "") -> Entry:
        """Write down that a run is ours, with its process once there is one."""
        if not pid:
            # Of an earlier try of the same run.
            self.verdict_file(flow_run_id).unlink(missing_ok=True)
        started = start_ticks(pid) or 0 if pid else 0
        entry = Entry(str(flow_run_id), pid, started, boot_id(), restored_from)
        write_json(self._path(flow_run_id), asdict(entry))
        return entry

    def strike(self, flow_run_id: UUID | str) -> None:
        """Remove a run whose end is on the server."""
        self._path(flow_run_id).unlink(missing_ok=True)
        self.verdict_file(flow_run_id).unlink(missing_ok=True)

    def holds(self, flow_run_id: UUID | str) -> bool:
        """Tell whether a run is written down."""
        return self._path(flow_run_id).exists()

    def entries(self) -> Iterator[Entry]:
        """Yield what is written down; a file that is no entry is skipped."""
        for path in sorted(self._directory.glob("*.json")):
            try:
                # An earlier version wrote fewer fields.
                entry = Entry(**(read_json(path) or {}))
            except TypeError:
                continue
            yield entry

    def verdict_file(self, flow_run_id: UUID | str) -> Path:
        """Return where a run's launcher writes why it has stopped the run; see `warm.limited`."""
        return self._directory / f"{flow_run_id}.stopped"

    def verdict(self, flow_run_id: UUID | str) -> str | None:
        """Return why a run was stopped, as a sentence; None for one that has met no limit."""
        try:
            return self.verdict_file(flow_run_id).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def _path(self, flow_run_id: UUID | str) -> Path:
        return self._directory / f"{flow_run_id}.json"


def identity_of(directory: Path) -> str:
    """Return what tells a ledger from those of other machines; empty where there is none yet.

    It lives as long as the disk.
    """
    try:
        return (directory / IDENTITY).read_text(encoding="ascii")
    except FileNotFoundError:
        return ""


def _new_identity(directory: Path) -> str:
    identity = uuid4().hex
    write_atomically(directory / IDENTITY, identity, durable=True)
    return identity


def boot_id() -> str:
    """Return what differs after each boot of the machine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def start_ticks(pid: int) -> int | None:
    """Return when a process started; None when there is none, or only a zombie of it."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name in parentheses may hold anything, parentheses and blanks too.
    state, *fields = status.rpartition(")")[2].split()
    return None if state == "Z" else int(fields[18])

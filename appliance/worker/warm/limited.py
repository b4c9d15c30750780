"""A flow run under limits, in the hands of its launcher: how it begins, and how it ends.

Imported by the launchers of such runs alone.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # as in `launcher`
import _thread
import os
import resource
import select

from appliance.worker.warm import limits as limits_of_a_run
from appliance.worker.warm.watch import Watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.worker.warm.launcher import _Signals

# As a shell says it.
_NOT_FOUND = 127


class Limited:
    """The limits of the one run of this process.

    The limit of open files is taken on at once, for the run to inherit.

    Args:
        text: What follows `--limits`.
        path: Where to write why the run was stopped; empty where nobody would read it.
        warn: Says what goes wrong.

    Raises:
        ValueError: The text is not of the form that is wanted.
    """

    def __init__(self, text: str, path: str, warn: Callable[[str], object]) -> None:
        self._limits = limits_of_a_run.parse(text)
        self._path = path
        self._warn = warn
        self._watch = Watch(self._limits, self._note)
        # Whether the run was stopped, and whoever started us can read why.
        self.is_told = False
        if self._limits.open_files is not None:
            _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            most = self._limits.open_files if hard < 0 else min(hard, self._limits.open_files)
            # Both, or the run could help itself to more.
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    @property
    def nice(self) -> int:
        """The run's nice value; ours stays, so that we are quicker than the run."""
        return max(os.getpriority(os.PRIO_PROCESS, 0), self._limits.nice or 0)

    @property
    def keeps_orphans(self) -> bool:
        """Whether its processes must stay below it."""
        return self._limits.need_a_watch

    def watch(self, pid: int) -> None:
        """Begin to watch the run's process, beside whatever else we do."""
        if self._limits.need_a_watch:
            _thread.start_new_thread(self._over, (pid,))

    def _over(self, pid: int) -> None:
        try:
            self._watch.over(pid)
        except Exception as error:  # noqa: BLE001 - nobody else would say so
            self._warn(f"the limits of this flow run are not watched any more: {error!r}")

    def _note(self, reason: str) -> None:
        """Write the reason down, whole or not at all."""
        try:
            if self._path:
                with open(f"{self._path}.new", "w", encoding="utf-8") as file:  # noqa: PTH123 - `pathlib` takes its time
                    file.write(reason)
                os.replace(f"{self._path}.new", self._path)  # noqa: PTH105 - likewise
                self.is_told = True
                return
        except OSError as error:
            reason = f"{reason} ({self._path}: {error.strerror})"
        self._warn(reason)

    def run_cold(self, command: list[str], missing: list[int], signals: _Signals) -> int:
        """Start a new interpreter, watch it, and return how it has ended, as wait(2) says it.

        Args:
            command: Its words.
            missing: The descriptors that it shall not have.
            signals: Those that come to us, and are its.

        Raises:
            OSError: It cannot be made.
        """
        pid = self._start(command, missing)
        self.watch(pid)
        process = os.pidfd_open(pid)
        poll = select.poll()
        poll.register(process, select.POLLIN)
        poll.register(signals.wakeup, select.POLLIN)
        has_ended = False
        while not has_ended:
            has_ended = any(descriptor == process for descriptor, _ in poll.poll())
            signals.collect()
            while signals.pending and not has_ended:
                signal.pidfd_send_signal(process, signals.pending.pop(0))
        return os.waitpid(pid, 0)[1]

    def _start(self, command: list[str], missing: list[int]) -> int:
        from appliance.worker.warm import orphans  # noqa: PLC0415 - `ctypes` takes its time

        launcher = os.getpid()
        pid = os.fork()
        if pid:
            return pid
        try:
            orphans.die_with(launcher)
            if self.keeps_orphans:
                orphans.keep()
            os.setpriority(os.PRIO_PROCESS, 0, self.nice)
            for number in missing:
                os.close(number)
            os.execv(command[0], command)  # noqa: S606 - no shell
        except OSError as error:
            self._warn(f"{command[0]}: {error.strerror}; see --python in the job variables")
        finally:
            os._exit(_NOT_FOUND)

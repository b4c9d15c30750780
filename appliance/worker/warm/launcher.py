"""The command `zoe-flow-run`: a flow run by a fork of the template, or a cold one without it.

It is started for every flow run, so it imports only what is compiled into the interpreter or next
to it: `socket`, `signal` and `json` would double the time that it takes. It stays until the flow
run has ended, passes signals on and ends as the flow run did, so that whoever started it need not
know that the work is done elsewhere. When it is killed, the flow run dies with it.

`zoe-flow-run --python PATH` is for a flow run in another Python environment than the worker's; the
programs of that come first on its PATH. If it has no template yet, the keeper is asked for one, and
the run starts cold meanwhile. `--cold` is for workers that keep no templates.

`--limits TEXT` is for one that may use no more than that; see `limits`, and `limited` for what is
different then. A run that was stopped for it, and why, is in a file that the worker reads; our own
exit code is 0 in that case, so that Prefect has nothing to report besides.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # `signal` takes its time for enums
import _socket as socket  # `socket` takes its time for enums and selectors
import os
import resource
import select
import sys

from appliance.worker.warm import protocol

TYPE_CHECKING = False  # `typing` takes its time, too
if TYPE_CHECKING:
    from collections.abc import Iterable

    from appliance.worker.warm.limited import Limited

# A template that is just being started takes some seconds; one that hangs must not hold a run up
# for ever.
PATIENCE_SECONDS = 20.0
# Between the child's end and the template's word on it.
STATUS_SECONDS = 19.0
# What one sends to a process from outside. The others are faults of its own, or job control.
FORWARDED = (
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGABRT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGALRM,
    signal.SIGTERM,
    signal.SIGCONT,
    signal.SIGWINCH,
)
LIMITS = tuple(
    (name, getattr(resource, name)) for name in dir(resource) if name.startswith("RLIMIT_")
)
_CHUNK = 65536
# The size of C's `int`. (`array`, `struct` take memory in each of hundreds of launchers.)
_INT = 4
# As a shell says it.
_NOT_FOUND = 127
_USAGE = 2


class ColdStartError(Exception):
    """There is no template that could do it."""


class _NoTemplateError(ColdStartError):
    """Nobody listens; there may be a template soon."""


def main() -> None:
    """Run the flow run that environment and arguments name; never return."""
    missing = _fill_missing_descriptors()
    address = os.environ.pop(protocol.ADDRESS, "")
    verdict = os.environ.pop(protocol.VERDICT, "")
    is_cold, python, text, arguments = _options(sys.argv[1:])
    if python != sys.executable:
        _put_first(os.path.dirname(python))  # noqa: PTH120 - `pathlib` takes its time
    command = [python, "-m", "prefect.engine", *arguments]
    limited = _limited(text, verdict) if text else None
    if is_cold and limited is None:
        _become(command, missing)
    signals = _Signals()
    if not is_cold:
        try:
            address_of_python = _address_of(python, address)
            status = _Run(address_of_python, arguments, missing, signals, limited).status()
        except (ColdStartError, OSError) as error:
            if python != sys.executable and isinstance(error, _NoTemplateError):
                _want(python, address)
            # Without an address nobody has promised a template to one that is here for its limits.
            if address or limited is None:
                _warn(f"there is no warm template, the flow run starts cold: {error}")
        else:
            _end(status, limited)
    if limited is not None:
        _end(limited.run_cold(command, missing, signals), limited)
    signals.give_back()
    _become(command, missing)


def _become(command: list[str], missing: list[int]) -> None:
    for number in missing:
        os.close(number)
    try:
        os.execv(command[0], command)  # noqa: S606 - no shell
    except OSError as error:
        _warn(f"{command[0]}: {error.strerror}; see --python in the command of the job variables")
        os._exit(_NOT_FOUND)


def _options(words: list[str]) -> tuple[bool, str, str, list[str]]:
    """Return whether to start cold, which interpreter, its limits, and the engine's words."""
    is_cold, python, limits = False, sys.executable, ""
    while True:
        match words:
            case ["--cold", *words]:
                is_cold = True
            case ["--python", path, *words]:
                python = os.path.abspath(path)  # noqa: PTH100 - `pathlib` takes its time
            case ["--limits", limits, *words]:
                pass
            case _:
                return is_cold, python, limits, words


def _limited(text: str, verdict: str) -> Limited:
    """Take limits on; end where they are none, for a run without them is not what was asked for."""
    from appliance.worker.warm.limited import Limited  # noqa: PLC0415 - takes its time

    try:
        return Limited(text, verdict, _warn)
    except ValueError as error:
        _warn(f"--limits {text}: {error}; see --limits in the command of the job variables")
        os._exit(_USAGE)


def _end(status: int, limited: Limited | None) -> None:
    """End as the run has ended, unless it was stopped and that is told; never return."""
    if limited is not None and limited.is_told:
        os._exit(0)
    end_as(status)


def _put_first(directory: str) -> None:
    os.environ["PATH"] = f"{directory}{os.pathsep}{os.environ.get('PATH', os.defpath)}"


def _address_of(python: str, address: str) -> str:
    """Return the socket of an interpreter's environment.

    Raises:
        ColdStartError: There is nothing at that path.
    """
    if not address:
        raise ColdStartError(f"{protocol.ADDRESS} is not set")
    if python == sys.executable:
        return address
    prefix = os.path.dirname(os.path.dirname(python))  # noqa: PTH120 - `pathlib` takes its time
    try:
        return protocol.address_beside(address, os.stat(prefix), os.stat(python))  # noqa: PTH116 - likewise
    except OSError as error:
        raise ColdStartError(f"{error.filename}: {error.strerror}") from None


def _want(python: str, address: str) -> None:
    """Ask the keeper for a template, without ever waiting for it."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    connection.setblocking(False)
    try:
        connection.sendto(os.fsencode(python), address + protocol.WANTED)
    except OSError:
        return
    finally:
        connection.close()


def end_as(status: int) -> None:
    """End this process as one with this wait status has ended; never return."""
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        # Of one death one core is enough.
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
        if -code not in {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(-code, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {-code})
        os.kill(os.getpid(), -code)
        code += 256
    os._exit(code)


class _Signals:
    """The signals that come to us, to be passed on."""

    def __init__(self) -> None:
        self.ignored = [n for n in FORWARDED if signal.getsignal(n) == signal.SIG_IGN]
        self.blocked = list(signal.pthread_sigmask(signal.SIG_BLOCK, ()))
        self.pending: list[int] = []
        self.wakeup, write_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(write_end)
        for number in FORWARDED:
            if number not in self.ignored:
                # The byte in the pipe is all that is wanted.
                signal.signal(number, lambda *_: None)

    def collect(self) -> None:
        """Take what has come since the last time."""
        try:
            self.pending += os.read(self.wakeup, 256)
        except BlockingIOError:
            return

    def give_back(self) -> None:
        """Let them have their usual effect again, those that have come as well."""
        for number in FORWARDED:
            if number not in self.ignored:
                signal.signal(number, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
        self.collect()
        for number in self.pending:
            os.kill(os.getpid(), number)


class _Run:
    """One flow run in the hands of a template."""

    def __init__(
        self,
        address: str,
        arguments: list[str],
        missing: list[int],
        signals: _Signals,
        limited: Limited | None = None,
    ) -> None:
        self._signals = signals
        self._limited = limited
        self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._child: int | None = None
        self._has_begun = False
        self._leaving: int | None = None
        self._hung_up = False
        self._unread = b""
        self._connection.settimeout(PATIENCE_SECONDS)
        try:
            self._connection.connect(address)
        except (FileNotFoundError, ConnectionRefusedError):
            raise _NoTemplateError("nobody listens") from None
        # The child has the other end and dies when this one is closed, by whatever.
        child_end, self._life = os.pipe()
        directory = os.open(".", os.O_PATH | os.O_DIRECTORY)
        request = _request(arguments, missing, signals, limited)
        send(self._connection, request, [0, 1, 2, directory, child_end])
        os.close(directory)
        os.close(child_end)

    def status(self) -> int:
        """Return how the child has ended, as wait(2) says it.

        Raises:
            ColdStartError, OSError: It cannot be done; nothing of the flow has run, or will.
        """
        try:
            return self._await_status()
        except OSError:
            if not self._has_begun:
                raise
            return self._without_word()

    def _await_status(self) -> int:
        connection = self._connection.fileno()
        poll = select.poll()
        poll.register(connection, select.POLLIN)
        poll.register(self._signals.wakeup, select.POLLIN)
        patience: float | None = PATIENCE_SECONDS
        while True:
            ready = dict(poll.poll(None if patience is None else patience * 1000))
            self._signals.collect()
            if connection in ready:
                status = self._read()
                if status is not None:
                    return status
                if self._child is not None and patience == PATIENCE_SECONDS:
                    poll.register(self._child, select.POLLIN)
                    patience = None
                if self._hung_up:
                    poll.unregister(connection)
            elif self._child is not None and self._child in ready:
                if self._hung_up:
                    return self._without_word()
                poll.unregister(self._child)
                patience = STATUS_SECONDS
            elif not ready:
                # With a child: the template has died, too, and the child's own children hold the
                # connection.
                return self._without_word() if self._child is not None else self._revoke()
            self._forward()

    def _read(self) -> int | None:
        """Read what there is; return the child's status once it is known."""
        space = socket.CMSG_SPACE(_INT)
        data, ancillary, _, _ = self._connection.recvmsg(_CHUNK, space)
        for level, kind, content in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                self._adopt(int.from_bytes(content[:_INT], sys.byteorder))
        self._unread += data
        while (found := protocol.parse_answer(self._unread)) is not None:
            letter, value, reason, self._unread = found
            if letter == protocol.ENDED:
                return value
            self._note(letter, value, reason)
        if data:
            return None
        self._hung_up = True
        if self._child is None:
            if not self._has_begun:
                raise _NoTemplateError("it has hung up")
            # Both are gone, so soon that we have never seen the child.
            return self._without_word()
        return None

    def _note(self, letter: bytes, value: int, reason: str) -> None:
        if letter == protocol.REFUSED and not self._has_begun:
            raise ColdStartError(reason)
        if letter == protocol.BEGUN:
            self._has_begun = True
            if self._child is None:
                self._watch(value)
            if self._limited is not None:
                self._limited.watch(value)
        if letter == protocol.LEAVING:
            self._leaving = value

    def _adopt(self, child: int) -> None:
        """Take note of the pidfd of the child."""
        if self._child is None:
            self._child = child
            os.set_inheritable(child, False)
        else:
            os.close(child)

    def _watch(self, pid: int) -> None:
        """Look at a child that no template has told us of."""
        try:
            self._adopt(os.pidfd_open(pid))
        except ProcessLookupError:
            return

    def _revoke(self) -> int:
        """Keep a child from coming to life; return the end of one that was quicker.

        The kernel kills it as our end of the life pipe closes; see `child`.
        """
        os.close(self._life)
        self._connection.setblocking(False)
        status = None
        try:
            while status is None and not self._hung_up:
                status = self._read()
        except BlockingIOError:
            pass
        if self._has_begun:
            return self._without_word() if status is None else status
        raise ColdStartError(f"it has not answered for {PATIENCE_SECONDS:g} s")

    def _without_word(self) -> int:
        """Return the best guess at the status of a child whose template has died before it."""
        return int(signal.SIGKILL) if self._leaving is None else self._leaving << 8

    def _forward(self) -> None:
        if self._child is None:
            return
        while self._signals.pending:
            try:
                signal.pidfd_send_signal(self._child, self._signals.pending.pop(0))
            except ProcessLookupError:
                return


def send(connection: socket.socket, data: bytes, descriptors: list[int]) -> None:
    """Send a request, the descriptors with its first byte."""
    numbers = b"".join(number.to_bytes(_INT, sys.byteorder) for number in descriptors)
    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, numbers)
    sent = connection.sendmsg([data], [rights])
    # Not even nothing is to be sent after all: a short flow run may have hung up by now, and that
    # would look as if it had never begun.
    if sent < len(data):
        connection.sendall(data[sent:])


def _request(
    arguments: list[str], missing: list[int], signals: _Signals, limited: Limited | None
) -> bytes:
    umask = os.umask(0o077)
    os.umask(umask)
    if limited is None:
        facts = (umask, os.getpriority(os.PRIO_PROCESS, 0), 0)
    else:
        facts = (umask, limited.nice, int(limited.keeps_orphans))
    return protocol.pack(
        [
            [os.fsencode(word) for word in arguments],
            [name + b"=" + value for name, value in os.environb.items()],
            _numbers(facts),
            [
                f"{name} {soft} {hard}".encode()
                for name, (soft, hard) in ((n, resource.getrlimit(i)) for n, i in LIMITS)
            ],
            _numbers(signals.ignored),
            _numbers(signals.blocked),
            _numbers(missing),
            _numbers(sorted(os.sched_getaffinity(0))),
        ]
    )


def _numbers(values: Iterable[int]) -> list[bytes]:
    return [b"%d" % value for value in values]


def _fill_missing_descriptors() -> list[int]:
    """Return which of the standard descriptors are closed, and keep others from their numbers."""
    missing = []
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            missing.append(number)
            # The lowest free number is the one that is taken.
            os.open(os.devnull, os.O_RDWR)
    return missing


def _warn(message: str) -> None:
    try:
        os.write(2, f"WARNING: {message}\n".encode())
    except OSError:
        return


if __name__ == "__main__":
    main()

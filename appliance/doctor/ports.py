"""The port of UI and API: ours while we run, free while we do not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from appliance import preflight
from appliance.doctor.finding import Finding, problem, well
from appliance.doctor.patient import Patient
from appliance.settings import Component

CHECK = "port"
LISTENING = "0A"  # TCP_LISTEN of the kernel's tcp_states.h, as /proc/net/tcp prints it


def look(patient: Patient) -> Iterator[Finding]:
    """Look who listens on the port.

    Raises:
        OperatorError: Zoe does not run, and somebody else has its port.
    """
    if not patient.has(Component.SERVER):
        return
    port = patient.settings.port
    server = patient.health.programs.get(Component.SERVER) if patient.health else None
    if server is None:
        preflight.port(patient.settings.host, port)
        yield well(CHECK, f"{port} is free")
        return
    listeners = listening(port)
    if not listeners:
        yield problem(CHECK, f"nobody listens on port {port}", "zoe logs server tells why")
    elif server.pid and listeners & sockets_of(server.pid):
        yield well(CHECK, f"the server listens on {port}")
    else:
        yield problem(
            CHECK,
            f"somebody else listens on port {port}, not the server here (pid {server.pid})",
            "stop what uses it, or set ZOE_PORT",
        )


def listening(port: int) -> set[str]:
    """Return the inodes of the sockets that listen on a port, IPv4 and IPv6.

    (proc_pid_net(5), `/proc/net/tcp`.)
    """
    found: set[str] = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        path = Path(table)
        if not path.exists():
            continue
        for line in path.read_text(encoding="ascii").splitlines()[1:]:
            fields = line.split()
            address, state, inode = fields[1], fields[3], fields[9]
            if state == LISTENING and int(address.rpartition(":")[2], 16) == port:
                found.add(inode)
    return found


def sockets_of(pid: int) -> set[str]:
    """Return the inodes of a process' sockets; none where we may not look.

    (proc_pid_fd(5).)
    """
    found: set[str] = set()
    try:
        descriptors = list(Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return found
    for descriptor in descriptors:
        try:
            target = str(descriptor.readlink())
        except OSError:
            continue
        if target.startswith("socket:["):
            found.add(target.removeprefix("socket:[").removesuffix("]"))
    return found

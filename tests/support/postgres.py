"""A PostgreSQL server of the operator's own, on a network of containers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from tests.support.container import Container, eventually, running

URL = "postgresql://zoe:hidden@db:5432/p"
ASK = ("psql", "--host=/tmp", "--username=postgres", "--tuples-only", "--no-align")


@contextlib.contextmanager
def postgres_server(net: str) -> Iterator[Container]:
    """A server of the operator's own; its database `p` belongs to somebody without privileges."""
    serve = (
        "initdb -D /tmp/pg -U postgres --auth=trust >/dev/null && "
        "echo 'host all all all scram-sha-256' >> /tmp/pg/pg_hba.conf && "
        "exec postgres -D /tmp/pg -c listen_addresses='*' -c unix_socket_directories=/tmp"
    )
    with running(
        f"--network={net}",
        "--network-alias=db",
        "--entrypoint=sh",
        "--env=PATH=/usr/lib/postgresql/17/bin:/usr/bin:/bin",
        command=["-c", serve],
    ) as server:
        eventually(lambda: server.exit_code_of(*ASK, "--command=SELECT 1") == 0)
        server.exec(*ASK, "--command=CREATE ROLE zoe LOGIN PASSWORD 'hidden'")
        server.exec(*ASK, "--command=CREATE DATABASE p OWNER zoe")
        yield server

"""Stock Prefect: server and worker in a container each, as compose has them."""

from __future__ import annotations

import time
from pathlib import Path

from tests.bench.model import Variant
from tests.bench.subjects.subject import (
    POOL,
    PUBLISHED,
    Part,
    Subject,
    Wanted,
    common,
    flows,
)
from tests.support.container import IMAGE, docker, eventually

# Made of the image under test, so that Python, Prefect and Postgres are the same.
STOCK_IMAGE = f"{IMAGE}-stock"
STOCK_DOCKERFILE = Path(__file__).parent / "stock_image"

# `--init` and root as in Prefect's own image; our health check knows nothing of it.
LIKE_PREFECTS = ("--init", "--user=0", "--no-healthcheck", "--workdir=/")
# The one thing that is not as it comes: nothing may leave the machine.
QUIET = ("--env=PREFECT_SERVER_ANALYTICS_ENABLED=false", "--env=DO_NOT_TRACK=1")
POSTGRES = "/usr/lib/postgresql/17/bin"
SERVE_POSTGRES = (
    f"test -e /data/pg || {POSTGRES}/initdb -D /data/pg -U postgres --auth=trust >/dev/null; "
    f"exec {POSTGRES}/postgres -D /data/pg -c unix_socket_directories=/tmp"
)
DATABASE_URL = "postgresql+asyncpg://postgres@127.0.0.1:5432/prefect"
PSQL = (f"{POSTGRES}/psql", "--host=/tmp", "--username=postgres", "--quiet")


def build_image() -> None:
    """Make the image of stock Prefect; of a layer that removes, in a second.

    Raises:
        subprocess.CalledProcessError: Docker cannot make it.
    """
    build = ("build", "--quiet", "--build-arg", f"IMAGE={IMAGE}", "--tag", STOCK_IMAGE)
    docker(*build, str(STOCK_DOCKERFILE))


def start(subject: Subject, wanted: Wanted) -> None:
    """Start it, and wait until it takes work."""
    subject.began = time.monotonic()
    words = [*PUBLISHED]
    if wanted.engine == "postgres":
        database = _start_postgres(subject)
        # One network for all, as if all were in one container.
        words = [
            f"--network=container:{database.name}",
            f"--env=PREFECT_API_DATABASE_CONNECTION_URL={DATABASE_URL}",
        ]
    subject.run(
        *LIKE_PREFECTS,
        *QUIET,
        *words,
        # The flows, too: it is where `prefect deploy` is called.
        *common(wanted),
        "--env=PREFECT_HOME=/data/prefect",
        "--entrypoint=prefect",
        STOCK_IMAGE,
        *("server", "start", "--host", "0.0.0.0"),  # noqa: S104 - Docker publishes it on loopback
    )
    subject.wait_answer()
    if wanted.worker:
        _start_worker(subject, wanted)
        subject.wait_worker()


def _start_worker(subject: Subject, wanted: Wanted) -> None:
    limit = [] if wanted.worker_limit is None else ["--limit", str(wanted.worker_limit)]
    subject.run(
        *LIKE_PREFECTS,
        *QUIET,
        f"--network=container:{subject.parts[0].name}",
        *flows(wanted),
        "--env=PREFECT_API_URL=http://127.0.0.1:4200/api",
        "--env=PREFECT_HOME=/tmp/prefect",
        *(f"--env={variable}" for variable in worker_environment(wanted.variant)),
        "--entrypoint=prefect",
        STOCK_IMAGE,
        *("worker", "start", "--pool", POOL, "--type", "process", *limit),
        is_worker=True,
    )


def worker_environment(variant: Variant) -> tuple[str, ...]:
    """Return what tuning changes for the worker."""
    return ("PREFECT_WORKER_QUERY_SECONDS=1",) if variant is Variant.TUNED else ()


def _start_postgres(subject: Subject) -> Part:
    """Start a Postgres with its defaults; its user is the image's, for it refuses root."""
    part = subject.run(
        *PUBLISHED, "--no-healthcheck", "--entrypoint=sh", STOCK_IMAGE, "-c", SERVE_POSTGRES
    )

    def has_database() -> bool:
        try:
            subject.exec(part, *PSQL, "--command=CREATE DATABASE prefect")
        except RuntimeError:
            return False
        return True

    eventually(has_database, within=60, what="Postgres")
    return part

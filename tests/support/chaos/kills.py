"""`docker kill` in the middle of many run creations, again and again."""

from __future__ import annotations

from tests.support.chaos import invariants, record
from tests.support.chaos.cells import telling
from tests.support.chaos.creations import Creations, client
from tests.support.chaos.stage import arguments
from tests.support.container import docker, running

RUNS = 200
CLIENTS = 8


def kill_during_creations(engine: str, rounds: int) -> None:
    """Kill the container when some of 200 run creations were answered; nothing may be missing.

    Each round kills at another point: after the first few answers, after most of them. That the
    server goes on creating is no matter, only what it has answered.

    Args:
        engine: The database.
        rounds: How often.
    """
    # The worker and the deployer have no part in it; their deaths are in the table.
    few = "--env=ZOE_COMPONENTS=database,server"
    promised: list[str] = []
    with (
        record.outcome("docker kill during 200 run creations", engine=engine) as details,
        running(*arguments(engine), few) as container,
        telling(container),
    ):
        for number in range(rounds):
            container.wait_healthy()
            with Creations(container, clients=CLIENTS, limit=RUNS, pause=0) as creations:
                creations.wait_for(1 + (RUNS - 20) * number // rounds)
                docker("kill", container.name)
            promised += creations.acknowledged
            container.start()
        container.wait_healthy()
        with client(container) as http:
            invariants.nothing_is_missing(http, promised)
        invariants.database_is_sound(container, engine)
        details |= {"rounds": rounds, "acknowledged": len(promised)}

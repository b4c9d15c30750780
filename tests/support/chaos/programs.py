"""The programs of a container: their processes, and SIGKILL for one of them at a chosen moment."""

from __future__ import annotations

from tests.support.container import Container, docker

CONTAINER = "container"
ENGINES = ("sqlite", "postgres")
PROGRAMS = (
    "database",
    "server",
    "deployer",
    "worker",
    "maintenance",
    "conductor",
    CONTAINER,
)

# Whole words of a command line, written so that they do not match the command that looks for them.
# The database's program becomes Postgres; its helpers carry other words.
_WORDS = {
    "database": "[a]ppliance.database|[/]data/postgres",
    "server": "[a]ppliance.server",
    "deployer": "[a]ppliance.deployer",
    "worker": "[a]ppliance.worker",
    "maintenance": "[a]ppliance.maintenance",
    "conductor": "[a]ppliance.supervisor.conductor",
}
_FLOW_RUNS = "[p]refect.engine"
# 0.02 s a turn, and more for the looking itself: a minute or two.
_TURNS = 1500


def exists(engine: str, program: str) -> bool:
    """Tell whether there is such a program; SQLite lives in the server."""
    return (engine, program) != ("sqlite", "database")


def pids(container: Container, program: str) -> set[int]:
    """Return the processes of a program; of the container's, its PID 1 on the host."""
    if program == CONTAINER:
        return {int(container.inspect("{{.State.Pid}}"))}
    return _matching(container, _WORDS[program])


def flow_runs(container: Container) -> set[int]:
    """Return the processes that execute flow runs."""
    return _matching(container, _FLOW_RUNS)


def kill(container: Container, program: str) -> None:
    """SIGKILL a program that runs."""
    if program == CONTAINER:
        docker("kill", container.name)
    else:
        container.exec("sh", "-c", _kill_when_seen(_WORDS[program]))


def kill_when(container: Container, program: str, seen: str | None = None) -> bool:
    """SIGKILL a program at the moment a condition holds; tell whether there was such a moment.

    Args:
        container: Where; it may just have been started.
        program: Which.
        seen: A shell pattern of the file whose appearance is the moment; the program's own when
            None.
    """
    wait = _until(f"ls -d {seen} >/dev/null 2>&1") if seen else ""
    if program != CONTAINER:
        return container.exit_code_of("sh", "-c", wait + _kill_when_seen(_WORDS[program])) == 0
    # A container's start is of interest once its first programs are there.
    was_seen = container.exit_code_of("sh", "-c", wait or _await(_WORDS["server"])) == 0
    return docker("kill", container.name, check=False).returncode == 0 and was_seen


def stop_and_kill(container: Container, program: str) -> bool:
    """SIGTERM for PID 1 and SIGKILL for a program in one go; tell whether the latter was there."""
    if program == CONTAINER:
        docker("kill", "--signal=TERM", container.name)
        return docker("kill", container.name, check=False).returncode == 0
    find = _find(_WORDS[program])
    script = f'p=$({find}); kill -TERM 1; [ -n "$p" ] && kill -9 $p'
    return container.exit_code_of("sh", "-c", script) == 0


def _find(words: str) -> str:
    return f"grep -lzxE -- '{words}' /proc/[0-9]*/cmdline 2>/dev/null | cut -d/ -f3"


def _until(condition: str) -> str:
    turn = f"i=$((i+1)); [ $i -lt {_TURNS} ] || exit 1; sleep 0.02"
    return f"i=0; until {condition}; do {turn}; done; "


def _await(words: str) -> str:
    return _until(f'p=$({_find(words)}); [ -n "$p" ]')


def _kill_when_seen(words: str) -> str:
    # A helper with the same words may be gone before the signal reaches it.
    return _await(words) + "kill -9 $p 2>/dev/null; true"


def _matching(container: Container, words: str) -> set[int]:
    return {int(pid) for pid in container.exec("sh", "-c", _find(words), check=False).split()}

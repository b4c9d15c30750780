"""Templates of other Python environments than the worker's."""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
import threading
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from appliance.worker.warm import environments, keeper, protocol
from appliance.worker.warm.environments import Environments
from tests.unit.support import wait_until
from tests.warm.conftest import MODULE, TEMPLATE, Finished, cold, finish, launcher

WHICH = "import sys; print(sys.prefix, sys.executable, sys.argv[1:], sys.path[1:])"


@dataclass
class Worker:
    """The templates of a worker."""

    address: Path
    environments: Environments | None = None
    said: list[str] = field(default_factory=list)

    def start(self, directory: Path, python: Path, code: str) -> subprocess.Popen[str]:
        """Start a launcher of a flow run in that interpreter's environment."""
        (directory / f"{MODULE}.py").write_text(code, encoding="utf-8")
        # What a cold run is.
        engine = directory / "prefect" / "engine.py"
        engine.parent.mkdir(exist_ok=True)
        engine.write_text(f"import {MODULE}", encoding="utf-8")
        return subprocess.Popen(
            [*launcher(), "--python", str(python), "word"],
            cwd=directory,
            env={**os.environ, protocol.ADDRESS: str(self.address)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, directory: Path, python: Path, code: str) -> Finished:
        return finish(self.start(directory, python, code))

    def kept(self) -> int:
        """Return of how many environments there are templates."""
        assert self.environments is not None
        return len(self.environments.addresses())

    def has_said(self, text: str) -> bool:
        return any(text in line for line in self.said)


@contextmanager
def working(idle_seconds: float = 600) -> Iterator[Worker]:
    """Keep templates in a thread of its own."""
    with tempfile.TemporaryDirectory(prefix="zoe-") as directory, pytest.MonkeyPatch.context() as m:
        m.setattr(keeper, "ARGUMENTS", ("-c", TEMPLATE))
        m.setattr(keeper, "PAUSE_SECONDS", (0.1, 0.2))
        # A worker leaves a slow one to whoever reaps after it; we go on living.
        m.setattr(keeper, "GOODBYE_SECONDS", 60)
        m.setenv(protocol.ADDRESS, "to be restored")
        worker = Worker(Path(directory) / "socket")
        loop = asyncio.new_event_loop()
        ended = asyncio.Event()

        async def keep() -> None:
            async with environments.keeping(
                worker.address,
                (),
                say=lambda text, level: worker.said.append(f"{level} {text}"),
                idle_seconds=idle_seconds,
            ) as worker.environments:
                await ended.wait()

        thread = threading.Thread(target=loop.run_until_complete, args=[keep()])
        thread.start()
        try:
            wait_until(lambda: worker.has_said("flow runs start warm"), "our own template")
            yield worker
        finally:
            loop.call_soon_threadsafe(ended.set)
            thread.join()
            loop.close()
        assert list(Path(directory).iterdir()) == []


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of another environment, an empty one."""
    root = tmp_path_factory.mktemp("other")
    venv.create(root, symlinks=True, with_pip=False)
    return root / "bin" / "python"


def test_first_run_is_cold_and_the_next_is_a_fork(tmp_path: Path, other: Path) -> None:
    prefix = other.parent.parent
    with working() as worker:
        first = worker.run(tmp_path, other, WHICH)
        wait_until(lambda: worker.has_said(f"{prefix}: flow runs start warm"), "a template")
        second = worker.run(tmp_path, other, WHICH)
    assert "the flow run starts cold: nobody listens" in first.errors
    assert (second.code, second.errors) == (0, "")
    assert first.output == second.output
    assert second.output.startswith(f"{prefix} {other} ['word'] ")
    assert second.output != cold(tmp_path, WHICH).output


def test_template_that_nobody_uses_goes_and_comes_again(tmp_path: Path, other: Path) -> None:
    with working(idle_seconds=0.3) as worker:
        for _ in range(2):
            worker.said.clear()
            worker.run(tmp_path, other, "pass")
            wait_until(lambda: worker.has_said(f"{other.parent.parent}: flow"), "a template")
            wait_until(lambda: worker.kept() == 1, "its end")


def test_template_stays_while_a_run_goes_on(tmp_path: Path, other: Path) -> None:
    with working(idle_seconds=2) as worker:
        worker.run(tmp_path, other, "pass")
        wait_until(lambda: worker.has_said(f"{other.parent.parent}: flow"), "a template")
        run = worker.start(
            tmp_path, other, "import os; print(os.getppid(), flush=True); input(); print('end')"
        )
        assert run.stdout is not None
        template = Path(f"/proc/{int(run.stdout.readline())}")
        # As long as it would stay without one.
        with pytest.raises(subprocess.TimeoutExpired):
            run.wait(timeout=3)
        assert template.exists()
        output, errors = run.communicate("\n", timeout=60)
        assert (output, errors) == ("end\n", "")
        wait_until(lambda: worker.kept() == 1, "the template's end")


def test_environment_that_never_works_is_given_up(tmp_path: Path) -> None:
    python = tmp_path / "broken" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to("/bin/false")
    with working(idle_seconds=0.5) as worker:
        assert worker.run(tmp_path, python, "pass").code == 1
        wait_until(lambda: worker.has_said(f"{tmp_path}/broken: no template"), "a warning")
        wait_until(lambda: worker.kept() == 1, "an end of it")


def test_interpreter_that_is_not_there(tmp_path: Path) -> None:
    with working() as worker:
        run = worker.run(tmp_path, tmp_path / "none" / "bin" / "python", "pass")
    assert run.code == 127
    assert run.errors.splitlines()[-1] == (
        f"WARNING: {tmp_path}/none/bin/python: No such file or directory; "
        "see --python in the command of the job variables"
    )


def test_two_interpreters_of_one_directory_are_not_one(tmp_path: Path) -> None:
    first, second = (tmp_path / "bin" / name for name in ("python", "python3"))
    first.parent.mkdir()
    for path, content in ((first, "1"), (second, "2")):
        path.write_text(content)
    names = {protocol.address_beside("a", tmp_path.stat(), path.stat()) for path in (first, second)}
    assert len(names) == 2


def test_no_more_than_so_many(tmp_path: Path, other: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments, "MOST", 0)
    with working() as worker:
        for _ in range(2):
            assert worker.run(tmp_path, other, "pass").code == 0
        wait_until(lambda: worker.has_said("gets no template"), "a word on it")
        assert worker.kept() == 1


def test_a_worker_works_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(protocol.ADDRESS, "to be restored")
    said: list[str] = []

    async def work() -> None:
        address = tmp_path / "no-such-directory" / "socket"
        heard = asyncio.Event()

        def say(text: str, level: str) -> None:
            said.append(f"{level} {text}")
            if "no template can be started" in text:
                heard.set()

        async with environments.keeping(address, (), say=say):
            assert os.environ[protocol.ADDRESS] == str(address)
            await heard.wait()
        assert protocol.ADDRESS not in os.environ

    asyncio.run(work())
    assert any(line.startswith("WARNING no template can be started: ") for line in said)


@pytest.mark.parametrize("words", [["--cold"], []])
def test_programs_of_the_environment_come_first(
    tmp_path: Path, other: Path, words: list[str]
) -> None:
    (tmp_path / "prefect").mkdir()
    code = "import os; print(os.environ['PATH'])"
    (tmp_path / "prefect" / "engine.py").write_text(code, encoding="utf-8")
    run = subprocess.run(
        [*launcher(), *words, "--python", str(other)],
        check=True,
        cwd=tmp_path,
        env={**os.environ, "PATH": "/usr/bin"},
        capture_output=True,
        text=True,
    )
    assert run.stdout == f"{other.parent}:/usr/bin\n"
    # It is no surprise where no template was promised.
    assert (run.stderr == "") is bool(words)

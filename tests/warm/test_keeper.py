from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.worker.warm import keeper
from tests.unit.support import wait_until
from tests.warm.conftest import TEMPLATE, Warm, kept

# The first module stands for a file that tells by being there that something was installed.
STALE = TEMPLATE.replace(
    "request = ",
    "from pathlib import Path\n"
    "template.installed.watch = lambda paths: Path(sys.argv[4]).exists\n"
    "request = ",
).replace("sys.argv[4:]", "[]")


def test_socket_is_there_at_once_for_us_alone_and_gone_at_the_end() -> None:
    with kept() as warm:
        wait_until(warm.address.exists, "the socket")
        wait_until(lambda: stat.S_IMODE(warm.address.stat().st_mode) == 0o600, "its mode")
    assert not warm.address.exists()
    assert warm.keeper.processes[-1].poll() == 0


def test_killed_template_is_followed_by_another(tmp_path: Path) -> None:
    with kept() as warm:
        assert warm.run(tmp_path, "print(1)").output == "1\n"
        first = warm.pid()
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: warm.keeper.processes and warm.pid() != first, "another")
        wait_until(lambda: warm.run(tmp_path, "print(2)").output == "2\n", "a warm run")
    assert any("flow runs start cold" in line for line in warm.said)


def test_after_an_installation_the_next_run_is_the_next_template_s(tmp_path: Path) -> None:
    installed = tmp_path / "installed"
    code = "import os; print(os.getppid(), flush=True); input()"
    with kept([str(installed)], STALE) as warm:
        going_on = warm.start(tmp_path, code, stdin=subprocess.PIPE)
        assert going_on.stdout is not None
        old = int(going_on.stdout.readline())
        installed.touch()
        process = warm.start(tmp_path, code, stdin=subprocess.PIPE)
        wait_until(lambda: warm.pid() != old, "another template")
        installed.unlink()
        output, errors = process.communicate("\n", timeout=60)
        assert (int(output), errors) == (warm.pid(), "")
        # The old one stays for as long as its run does.
        assert Path(f"/proc/{old}").exists()
        going_on.communicate("\n", timeout=60)
        assert going_on.returncode == 0
        wait_until(lambda: warm.keeper.processes[0].poll() == 0, "the end of the old one")
    assert not any("cold" in line for line in warm.said)


def test_without_modules_that_do_it_harm(tmp_path: Path) -> None:
    (tmp_path / "starts_a_thread.py").write_text(
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(600,), daemon=True).start()"
    )
    code = TEMPLATE.replace("import sys\n", f"import sys\nsys.path.append({str(tmp_path)!r})\n", 1)
    # `main` takes the first entry away.
    with kept(["starts_a_thread"], code) as warm:
        wait_until(lambda: any("flow runs start warm" in line for line in warm.said), "warm")
    assert any("without the modules of ZOE_PRELOAD" in line for line in warm.said)


def test_template_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "READY_SECONDS", 0.2)
    with kept(code="import time; time.sleep(600)") as warm:
        wait_until(lambda: any("not ready after 0.2 s" in line for line in warm.said), "a word")
        wait_until(lambda: len([x for x in warm.said if "start cold" in x]) > 2, "more of them")
        # Who has failed is asked after, or it would stay as a zombie.
        assert len(warm.keeper.processes) < 3


def test_modules_are_tried_again_with_the_next_template(tmp_path: Path) -> None:
    """Once something else than they was in the way."""
    (tmp_path / "fails_once.py").write_text(
        "import os, pathlib\n"
        f"first = pathlib.Path({str(tmp_path / 'first')!r})\n"
        "if not first.exists(): first.touch(); os._exit(1)\n"
    )
    code = TEMPLATE.replace("import sys\n", f"import sys\nsys.path.append({str(tmp_path)!r})\n", 1)
    with kept(["fails_once"], code) as warm:
        wait_until(lambda: any("start warm" in line for line in warm.said), "one without")
        os.kill(warm.pid(), signal.SIGKILL)
        wait_until(lambda: sum("start warm" in line for line in warm.said) == 2, "another")
        command = Path(f"/proc/{warm.pid()}/cmdline").read_text().split("\0")
    assert "fails_once" in command


def test_what_a_preloaded_module_puts_into_the_environment_does_no_harm(tmp_path: Path) -> None:
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    (shelf / "sets_variables.py").write_text(
        "import os\nos.environ.setdefault('OMP_OF_A_TEST', '1')\nos.environ['OWN'] = '2'\n"
    )
    code = TEMPLATE.replace("import sys\n", f"import sys\nsys.path.append({str(shelf)!r})\n", 1)
    with kept(["sets_variables"], code) as warm:
        found = warm.run(
            tmp_path, "import os; print(os.environ['OMP_OF_A_TEST'], os.environ['OWN'])"
        )
        assert (found.output, found.errors) == ("1 2\n", "")


def test_module_that_is_not_there_is_passed_over(tmp_path: Path) -> None:
    with kept(["not_installed_at_all"]) as warm:
        assert warm.run(tmp_path, "print(1)").output == "1\n"
    assert not any("without" in line for line in warm.said)


def test_template_ends_with_its_worker_and_after_its_runs(warm: Warm, tmp_path: Path) -> None:
    code = f"""
import asyncio, sys
sys.path.insert(0, {str(Path(keeper.__file__).parents[3])!r})
from pathlib import Path
from appliance.worker.warm import keeper
keeper.ARGUMENTS = ("-c", {TEMPLATE!r})
async def main():
    one = keeper.Keeper(Path("socket"), (), lambda *_: print(one.processes[-1].pid, flush=True))
    await one.keep()
asyncio.run(main())
"""
    del warm
    worker = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert worker.stdout is not None
    template = int(worker.stdout.readline())
    orphan = Warm(tmp_path / "socket", None)  # type: ignore[arg-type]  # it is the worker's
    run = orphan.start(
        tmp_path, "print(1, flush=True); input(); import sys; sys.exit(8)", stdin=subprocess.PIPE
    )
    assert run.stdout is not None
    run.stdout.readline()
    worker.kill()
    worker.wait()
    worker.stdout.close()
    run.communicate("\n", timeout=60)
    assert run.returncode == 8
    wait_until(lambda: not Path(f"/proc/{template}").exists(), "the template's end")

"""A warm run finds what a cold one finds: every fact of the process, side by side."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.warm.conftest import Warm, cold

FACTS = """
import json, os, resource, signal, subprocess, sys, threading
names = [name for name in dir(resource) if name.startswith("RLIMIT_")]
umask = os.umask(0)
os.umask(umask)
own = {int(os.readlink("/proc/self/fd/" + n) != "") and int(n) for n in os.listdir("/proc/self/fd")
       if os.path.exists("/proc/self/fd/" + n)}
print(json.dumps({
    "argv": sys.argv, "cwd": os.getcwd(), "path": sys.path, "environ": dict(os.environ),
    "umask": umask, "limits": {n: resource.getrlimit(getattr(resource, n)) for n in names},
    "nice": os.getpriority(os.PRIO_PROCESS, 0), "processors": sorted(os.sched_getaffinity(0)),
    "signals": {n: str(signal.getsignal(n)) for n in range(1, 32)},
    "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
    "group": os.getpgid(0), "session": os.getsid(0), "threads": threading.active_count(),
    "streams": [stream is None or [stream.encoding, stream.errors, stream.line_buffering,
                stream.isatty()] for stream in (sys.stdin, sys.stdout, sys.stderr)],
    "input": sys.stdin and sys.stdin.read(),
    "main": [__name__, __file__, __spec__.name, __package__, sys.modules["__main__"].__file__],
    "flags": str(sys.flags),
    "inherited": len(subprocess.run(["ls", "/proc/self/fd"], capture_output=True, text=True,
                                    stdin=subprocess.DEVNULL, close_fds=False).stdout.split()),
}))
"""


def without_input() -> None:
    os.close(0)


def limit() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (99, 199))
    os.umask(0o027)
    os.nice(3)
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="plain"),
        pytest.param({"preexec_fn": limit}, id="limits, umask, nice, signals"),
        pytest.param({"preexec_fn": without_input}, id="no stdin"),
        pytest.param({"preexec_fn": without_input, "stdin": None}, id="no stdin, inherited"),
        pytest.param({"start_new_session": True}, id="session"),
        pytest.param({"process_group": 0}, id="group"),
        pytest.param({"stdin": subprocess.DEVNULL}, id="null"),
    ],
)
def test_facts_are_those_of_a_cold_run(warm: Warm, tmp_path: Path, options: dict[str, Any]) -> None:
    options = {"stdin": subprocess.DEVNULL, **options}
    by_fork = warm.run(tmp_path, FACTS, **options)
    alone = cold(tmp_path, FACTS, **options)
    assert (by_fork.code, by_fork.errors) == (0, "")
    found, wanted = json.loads(by_fork.output), json.loads(alone.output)
    for one in (found, wanted):
        # Each of the two may have a group or a session of its own.
        one["group"], one["session"] = one["group"] == os.getpgid(0), one["session"] == os.getsid(0)
    # What ties it to the launcher, also beyond an exec of the flow's own.
    found["inherited"] -= 1
    for name, fact in wanted.items():
        assert found[name] == fact, name
    assert found.keys() == wanted.keys()


def test_environment_is_the_launcher_s_and_input_arrives(warm: Warm, tmp_path: Path) -> None:
    code = "import os, sys; print(os.environ['NEW'], 'HOME' in os.environ, input())"
    environment = warm.environment(NEW="bytes \udcff and ünicode", PYTHONPATH="")
    del environment["HOME"]
    process = warm.start(
        tmp_path, code, env=environment, stdin=subprocess.PIPE, errors="surrogateescape"
    )
    output, errors = process.communicate("a line\n")
    assert (output, errors) == ("bytes \udcff and ünicode False a line\n", "")


def test_time_zone_of_the_run_holds(warm: Warm, tmp_path: Path) -> None:
    code = "import time; print(time.strftime('%H %Z', time.localtime(0)))"
    environment = warm.environment(TZ="Asia/Tokyo")
    assert warm.run(tmp_path, code, env=environment).output == "09 JST\n"


def test_modules_next_to_it_and_on_pythonpath_are_its_own(warm: Warm, tmp_path: Path) -> None:
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    (shelf / "lent").mkdir()
    (shelf / "lent" / "__init__.py").write_text("WORD = 'lent'")
    code = "import neighbour, lent; print(neighbour.WORD, lent.WORD)"
    environment = warm.environment(PYTHONPATH=str(shelf))
    for word in ("one", "two"):
        project = tmp_path / word
        project.mkdir()
        (project / "neighbour.py").write_text(f"WORD = {word!r}")
        found = warm.run(project, code, env=environment)
        assert (found.output, found.errors) == (f"{word} lent\n", "")


@pytest.mark.parametrize("name", ["socket.py", "selectors/__init__.py"])
def test_module_that_hides_an_imported_one_makes_a_cold_start(
    warm: Warm, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("")
    errors = warm.run(tmp_path, "print('never')").errors
    assert "the flow run starts cold" in errors
    assert "hides a module that is imported already" in errors


def test_environment_that_python_reads_at_its_start_makes_a_cold_start(
    warm: Warm, tmp_path: Path
) -> None:
    environment = warm.environment(PYTHONHASHSEED="0")
    errors = warm.run(tmp_path, "print('never')", env=environment).errors
    assert "cold: PYTHONHASHSEED differs from the worker's" in errors


def test_siblings_draw_different_numbers(warm: Warm, tmp_path: Path) -> None:
    code = "import random, uuid; print(random.random(), uuid.uuid4())"
    first, second = (warm.run(tmp_path, code).output.split() for _ in range(2))
    assert not set(first) & set(second)


def test_nothing_of_a_run_is_left_for_the_next(warm: Warm, tmp_path: Path) -> None:
    vandal = """
import json, os, signal, sys
os.environ["TRACE"] = "1"; os.chdir("/"); os.umask(0); os.nice(1)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
json.dumps = None; sys.path.insert(0, "/trace"); sys.modules["trace_of_it"] = json
"""
    look = """
import json, os, signal, sys
print(json.dumps([os.environ.get("TRACE"), os.getcwd(), "/trace" in sys.path,
                  "trace_of_it" in sys.modules,
                  signal.getsignal(signal.SIGTERM) is signal.SIG_DFL]))
"""
    assert warm.run(tmp_path, vandal).code == 0
    found = json.loads(warm.run(tmp_path, look).output)
    assert found == [None, str(tmp_path), False, False, True]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_works_in_each_way(warm: Warm, tmp_path: Path, method: str) -> None:
    code = f"""
import multiprocessing
def double(x): return 2 * x
if __name__ == "__main__":
    with multiprocessing.get_context({method!r}).Pool(2) as pool:
        print(pool.map(double, [1, 2]))
"""
    found = warm.run(tmp_path, code)
    assert (found.code, found.output, found.errors) == (0, "[2, 4]\n", "")


def test_a_terminal_is_a_terminal(warm: Warm, tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    try:
        process = warm.start(
            tmp_path, "import sys; print(sys.stdout.line_buffering, flush=True)", stdout=theirs
        )
        assert process.wait(60) == 0
        assert os.read(ours, 100) == b"True\r\n"
    finally:
        os.close(ours)
        os.close(theirs)
        assert process.stderr is not None
        process.stderr.close()

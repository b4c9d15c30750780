"""A project of flows that each do one thing in which a forked run could differ from a cold one.

Every flow logs what it finds, so that two runs of it can be compared by state and log.
"""

from __future__ import annotations

from pathlib import Path

CASES = """
import asyncio
import json
import logging
import multiprocessing
import os
import random
import resource
import signal
import stat
import subprocess
import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from prefect import flow, get_run_logger, task
from prefect.cache_policies import INPUTS
from prefect.task_runners import ProcessPoolTaskRunner, ThreadPoolTaskRunner


def say(*facts):
    get_run_logger().info("%s", json.dumps(facts, default=str))


@flow
def parameters(number: int, words: list[str], when: str = "now"):
    say(number, words, when)


TRIES = 0


@flow(retries=2, retry_delay_seconds=0)
def retries():
    global TRIES
    TRIES += 1
    say(TRIES)
    if TRIES < 3:
        raise ValueError("not yet")


@flow(timeout_seconds=0.5)
def times_out():
    time.sleep(30)


@task(retries=1)
def fails_once(counter):
    counter.append(1)
    if len(counter) == 1:
        raise ValueError("a task's")
    return len(counter)


@flow
def task_retries():
    counter = []
    say(fails_once(counter))


@flow
def exits(code: int):
    sys.exit(code)


@flow
def exits_at_once(code: int):
    say("the last words")
    for handler in logging.getLogger("prefect.flow_runs").handlers:
        handler.flush()
    os._exit(code)


@flow
def fails():
    raise ValueError("as it should")


@flow
def is_interrupted():
    raise KeyboardInterrupt


def tell(flow, flow_run, state):
    Path(os.environ["PREFECT_HOME"], f"hook-{flow_run.id}").write_text(state.type)


@flow(on_crashed=[tell])
def kills_itself(number: int):
    os.kill(os.getpid(), number)
    time.sleep(30)


@flow(on_cancellation=[tell])
def waits():
    say("begun")
    time.sleep(600)


@flow(on_crashed=[tell])
async def waits_in_a_loop():
    say("begun")
    await asyncio.sleep(600)


@flow
def surroundings():
    umask = os.umask(0)
    os.umask(umask)
    listing = subprocess.run(["ls", "/proc/self/fd"], capture_output=True, text=True)
    inherited = listing.stdout.split()
    names = [name for name in dir(resource) if name.startswith("RLIMIT_")]
    say(umask, inherited, [resource.getrlimit(getattr(resource, name)) for name in names])
    # A cold one is told where the template is; a warm one is not.
    known = sorted(name for name in os.environ if name != "ZOE_TEMPLATE_SOCKET")
    say(known, os.environ.get("CASE"), os.environ["PATH"])
    say(os.getcwd().startswith("/project"), [p for p in sys.path if "tmp" not in p], len(sys.path))
    say(sys.argv, sys.flags, sys.executable, os.getuid(), os.getsid(0), os.getpgid(0))
    say([str(signal.getsignal(n)) for n in (1, 2, 10, 12, 13)], os.nice(0))
    say(sys.modules["__main__"].__spec__.name, threading.current_thread().name)
    say([stat.filemode(os.fstat(number).st_mode) for number in range(3)])


@flow
def where():
    say(os.getcwd())


@flow
def neighbours():
    import shared_name
    say(shared_name.WORD)


@flow
def pythonpath():
    import lent
    say(lent.WORD, os.environ["PYTHONPATH"])


@flow(log_prints=True)
def talks():
    for number in range(300):
        if number % 3:
            get_run_logger().info("line %d", number)
        else:
            print(f"line {number}")
    print("the last")


@flow
def level():
    logger = get_run_logger()
    logger.info("not wanted")
    logger.error("wanted")


@flow
def subprocesses():
    say(subprocess.run(["sh", "-c", "echo $0; exit 3"], capture_output=True).returncode)
    child = subprocess.Popen([sys.executable, "-c", "print(1)"], stdout=subprocess.PIPE)
    say(child.communicate()[0].decode(), child.returncode)


@flow
def threads():
    with ThreadPoolExecutor(4) as pool:
        say(list(pool.map(abs, range(-5, 0))))
    late = threading.Thread(target=lambda: time.sleep(0.3))
    late.start()


@task
async def doubled(number):
    await asyncio.sleep(0.01)
    return 2 * number


@flow
async def asynchronous():
    say(await asyncio.gather(*(doubled(number) for number in range(5))))


def square(number):
    return number * number


@flow
def processes(method: str):
    pool = multiprocessing.get_context(method).Pool(2)
    say(pool.map(square, range(5)))
    # Not by SIGTERM, as `with` ends it: Prefect's handler raises, and where that happens in what
    # Python does after a fork, such as in a process that has had nothing to do yet, it is lost.
    pool.close()
    pool.join()


@task
def plus(number):
    return number + 1


@flow(task_runner=ThreadPoolTaskRunner(max_workers=3))
def in_threads():
    say(sorted(future.result() for future in plus.map(range(6))))


@flow(task_runner=ProcessPoolTaskRunner(max_workers=2))
def in_processes():
    say(sorted(future.result() for future in plus.map(range(3))))


@task(cache_policy=INPUTS, persist_result=True)
def expensive(key):
    return os.getpid()


@flow(persist_result=True)
def cached():
    key = str(uuid.uuid4())
    say(expensive(key) == expensive(key) == os.getpid(), expensive(key, return_state=True).name)
    return {"kept": True}


@flow
def draws():
    numbers = [random.random(), str(uuid.uuid4())]
    if "numpy" in sys.modules:
        numbers.append(float(sys.modules["numpy"].random.random()))
    say(*numbers)


@flow
def with_numpy():
    was_there = "numpy" in sys.modules
    import numpy
    say(sys.prefix, sys.executable, numpy.arange(5).sum(), numpy.__file__)
    return was_there


@flow
def in_dask():
    from prefect_dask import DaskTaskRunner

    runner = DaskTaskRunner(cluster_kwargs={"n_workers": 2, "dashboard_address": None})
    say(across.with_options(task_runner=runner)())


@flow
def across():
    return sorted(future.result() for future in plus.map(range(4)))


@flow
def vandalises():
    os.environ["TRACE"] = "1"
    os.chdir("/")
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    json.dumps.__defaults__  # noqa
    Path.read_text = None
    subprocess.run = None
    sys.modules["trace_of_it"] = json


@flow
def looks():
    say(os.environ.get("TRACE"), Path.read_text is None, subprocess.run is None,
        "trace_of_it" in sys.modules, str(signal.getsignal(signal.SIGUSR1)))


@flow
def inner(number):
    say(number)
    return number


@flow
def outer():
    say(inner(1) + inner(2))
"""


def write(root: Path) -> None:
    """Write the project below `root`, for everybody to read."""
    for name in ("one", "two"):
        project = root / name
        project.mkdir(parents=True)
        (project / "cases.py").write_text(CASES, encoding="utf-8")
        (project / "shared_name.py").write_text(f"WORD = {name!r}\n", encoding="utf-8")
    shelf = root / "shelf"
    shelf.mkdir()
    (shelf / "lent.py").write_text("WORD = 'lent'\n", encoding="utf-8")
    for path in (root, *root.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)

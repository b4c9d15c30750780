"""Real flow files of every kind, looked at by the real inspector: one process for all of them."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from appliance.deployer.inspection import FlowDescription, Inspected, inspect, key_of
from tests.unit.support import wait_until

SECONDS_PER_FLOW = 2.0
FLOW = "from prefect import flow\n"
APART = """
import pathlib, time
pathlib.Path("here-{own}").touch()
while not pathlib.Path("here-{other}").exists():
    time.sleep(0.01)
@flow
def f():
    pass
"""

FILES = {
    "flows/good.py": FLOW
    + '''
from flows.helper import SUFFIX

@flow(name="a good one" + SUFFIX, version="7")
def good(path: str, count: int = 3):
    """What it does."""

@flow
def plain():
    pass

not_a_flow = 1
''',
    "flows/helper.py": "SUFFIX = '!'\n",
    "flows/noisy.py": FLOW
    + """
import os, sys
print("noise on stdout")
print("noise on stderr", file=sys.stderr)
os.write(1, b"more noise")
@flow
def noisy():
    pass
""",
    "flows/exits.py": "import sys\nsys.exit(0)\n",
    "flows/dies.py": "import os\nos._exit(0)\n",
    "flows/killed.py": "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n",
    "flows/hangs.py": (
        "import pathlib, subprocess, threading\n"
        "child = subprocess.Popen(['/bin/sleep', '1000'])\n"
        "pathlib.Path('child.pid').write_text(str(child.pid))\n"
        "threading.Event().wait()\n"
    ),
    # What multiprocessing does: a process that has all our descriptors and outlives the module.
    "flows/leaves.py": FLOW
    + """
import os, pathlib, time
pid = os.fork()
if pid == 0:
    time.sleep(1000)
    os._exit(0)
pathlib.Path("left.pid").write_text(str(pid))
@flow
def leaves():
    pass
""",
    # A daemon even leaves the group in which it was born.
    "flows/daemon.py": FLOW
    + """
import os, pathlib, time
pid = os.fork()
if pid == 0:
    os.setsid()
    time.sleep(1000)
    os._exit(0)
pathlib.Path("daemon.pid").write_text(str(pid))
@flow
def daemon():
    pass
""",
    "flows/syntax.py": "def broken(:\n    pass\n",
    "flows/imports.py": "import no_such_module_anywhere\n",
    "flows/raises.py": "raise RuntimeError('two\\nlines')\n",
    "flows/odd.py": FLOW
    + """
@flow
def odd(when=object()):
    pass
""",
    # Each is loaded while the other is, or neither.
    "flows/apart_1.py": FLOW + APART.format(own=1, other=2),
    "flows/apart_2.py": FLOW + APART.format(own=2, other=1),
    "flows/any.py": FLOW + "@flow\ndef anything(**given):\n    pass\n",
    # Not of the project's, but it has the name of one of Python's own.
    "flows/json.py": FLOW + "@flow\ndef shadow():\n    pass\n",
}
FUNCTIONS = [
    "good:good",
    "good:plain",
    "good:absent",
    "good:not_a_flow",
    "noisy:noisy",
    "exits:f",
    "dies:f",
    "killed:f",
    "hangs:f",
    "leaves:leaves",
    "daemon:daemon",
    "syntax:broken",
    "imports:f",
    "raises:f",
    "odd:odd",
    "json:shadow",
    "any:anything",
    "apart_1:f",
    "apart_2:f",
    "nowhere:f",
]

PARAMETERS: dict[str, list[dict[str, Any]]] = {
    "good:good": [
        {},
        {"path": "x", "count": 4},
        {"count": "many"},
        {"cuont": 4},
        {"other": 4},
    ],
    "any:anything": [{"whatever": 1}],
}


@dataclass
class Outcome:
    """What came of the inspection, and how."""

    root: Path
    found: dict[str, Inspected]
    beats: int
    secret: str

    def of(self, function: str) -> Inspected:
        file, _, name = function.partition(":")
        return self.found[f"flows/{file}.py:{name}"]


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    root = tmp_path_factory.mktemp("project")
    for name, text in FILES.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    (root / "flows/secret.py").write_text(
        "import os\nraise RuntimeError([n for n in os.environ if n.startswith('ZOE_')])\n"
    )
    beats: list[float] = []
    entrypoints: dict[str, list[dict[str, Any]]] = {
        f"flows/{f.replace(':', '.py:')}": PARAMETERS.get(f, []) for f in [*FUNCTIONS, "secret:f"]
    }
    os.environ["ZOE_ADMIN_PASSWORD"] = "x"
    try:
        found = inspect(root, entrypoints, lambda: beats.append(time.monotonic()), SECONDS_PER_FLOW)
    finally:
        del os.environ["ZOE_ADMIN_PASSWORD"]
    os.kill(int((root / "daemon.pid").read_text()), signal.SIGKILL)
    secret = found.pop("flows/secret.py:f")
    assert isinstance(secret, str)
    return Outcome(root, found, len(beats), secret)


def test_every_entrypoint_has_an_answer(outcome: Outcome) -> None:
    assert sorted(outcome.found) == sorted(f"flows/{f.replace(':', '.py:')}" for f in FUNCTIONS)


def test_flow_describes_itself(outcome: Outcome) -> None:
    flow = outcome.of("good:good")
    assert isinstance(flow, FlowDescription)
    assert (flow.name, flow.version, flow.description) == ("a good one!", "7", "What it does.")
    assert flow.parameter_schema["required"] == ["path"]
    assert flow.parameter_schema["properties"]["count"]["default"] == 3


@pytest.mark.parametrize(
    ("parameters", "mistake"),
    [
        ({}, ""),
        ({"path": "x", "count": 4}, ""),
        ({"count": "many"}, "parameter 'count' is wrong: 'many' is not of type 'integer'"),
        ({"cuont": 4}, "the flow has no parameter 'cuont'; did you mean 'count'?"),
        ({"other": 4}, "the flow has no parameter 'other'; it has path, count"),
    ],
)
def test_parameters_are_held_to_the_flow(
    outcome: Outcome, parameters: dict[str, Any], mistake: str
) -> None:
    flow = outcome.of("good:good")
    assert isinstance(flow, FlowDescription)
    assert flow.mistakes[key_of(parameters)] == mistake


def test_a_flow_that_takes_any_parameter(outcome: Outcome) -> None:
    flow = outcome.of("any:anything")
    assert isinstance(flow, FlowDescription)
    assert flow.mistakes == {key_of({"whatever": 1}): ""}


@pytest.mark.parametrize(
    "function",
    [
        "good:plain",
        "noisy:noisy",
        "leaves:leaves",
        "daemon:daemon",
        "json:shadow",
        "apart_1:f",
        "apart_2:f",
    ],
)
def test_flow_that_is_fine(outcome: Outcome, function: str) -> None:
    flow = outcome.of(function)
    assert isinstance(flow, FlowDescription), flow
    assert flow.name == function.partition(":")[2]


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        ("good:absent", "flows/good.py has no flow named absent"),
        ("good:not_a_flow", "flows/good.py has no flow named not_a_flow"),
        ("nowhere:f", "there is no file flows/nowhere.py"),
        ("exits:f", "flows/exits.py cannot be loaded: SystemExit: 0"),
        ("dies:f", "the process ended while it was loaded"),
        ("killed:f", "the process ended while it was loaded"),
        ("hangs:f", f"it did not load within {SECONDS_PER_FLOW:g} s"),
        ("syntax:broken", "flows/syntax.py cannot be loaded: SyntaxError: invalid syntax"),
        (
            "imports:f",
            "flows/imports.py cannot be loaded: ModuleNotFoundError: No module named 'no_such",
        ),
        ("raises:f", "flows/raises.py cannot be loaded: RuntimeError: two lines"),
    ],
)
def test_reason_in_one_line(outcome: Outcome, function: str, reason: str) -> None:
    found = outcome.of(function)
    assert isinstance(found, str), found
    assert found.startswith(reason)
    assert "\n" not in found


def test_default_that_json_does_not_know(outcome: Outcome) -> None:
    # Prefect leaves it out or Python names it; in no case is the cause lost.
    found = outcome.of("odd:odd")
    assert isinstance(found, FlowDescription) or "flows/odd.py cannot be loaded: " in found


def test_modules_do_not_see_our_settings(outcome: Outcome) -> None:
    assert outcome.secret.endswith("RuntimeError: []")


def test_we_show_that_we_are_alive_meanwhile(outcome: Outcome) -> None:
    assert outcome.beats >= 2


@pytest.mark.parametrize("name", ["child.pid", "left.pid"])
def test_nothing_is_left_running(outcome: Outcome, name: str) -> None:
    pid = int((outcome.root / name).read_text())
    try:
        wait_until(lambda: _has_ended(pid), f"process {pid} has ended", 5)
    finally:
        if not _has_ended(pid):
            os.kill(pid, signal.SIGKILL)


def _has_ended(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    # An orphan that nobody reaps here has ended all the same.
    return state == "Z"


def test_nothing_to_look_at_starts_nothing(tmp_path: Path) -> None:
    assert inspect(tmp_path / "absent", {}, lambda: None) == {}

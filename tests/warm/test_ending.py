"""What a cold interpreter does at its end is done."""

from __future__ import annotations

from pathlib import Path

from tests.warm.conftest import Warm, cold

MESSY = """
import atexit, ctypes, logging, sys, tempfile, threading, time, weakref
atexit.register(print, "an exit handler")
class Thing: pass
thing = Thing()
weakref.finalize(thing, print, "a finalizer")
temporary = tempfile.TemporaryDirectory()
open("where", "w").write(temporary.name)
unclosed = open("unclosed", "w")
unclosed.write("written")
cycle = [unclosed]
cycle.append(cycle)
ctypes.CDLL(None).puts(b"from C")
threading.Thread(target=lambda: (time.sleep(0.1), print("a thread"))).start()
print("main")
sys.exit(9)
"""


def test_exit_handlers_threads_and_buffers_are_as_in_a_cold_run(warm: Warm, tmp_path: Path) -> None:
    for start in (warm.run, cold):
        found = start(tmp_path, MESSY)
        assert found.code == 9
        assert sorted(found.output.splitlines()) == sorted(
            ["main", "a thread", "a finalizer", "an exit handler", "from C"]
        )
        assert (tmp_path / "unclosed").read_text() == "written"
        assert not Path((tmp_path / "where").read_text()).exists()
        (tmp_path / "unclosed").unlink()


def test_output_that_cannot_be_written_is_an_error_as_in_a_cold_run(
    warm: Warm, tmp_path: Path
) -> None:
    # Whoever runs the tests may have PYTHONUNBUFFERED.
    code = "import sys; sys.stdout.reconfigure(write_through=False); print('x')"
    with Path("/dev/full").open("w") as full:
        codes = {start(tmp_path, code, stdout=full).code for start in (warm.run, cold)}
    assert codes == {120}


def test_a_fork_of_the_flow_s_ends_by_itself(warm: Warm, tmp_path: Path) -> None:
    code = """
import os, sys
if os.fork() == 0:
    sys.exit(3)
print(os.waitstatus_to_exitcode(os.wait()[1]))
sys.exit(4)
"""
    found = warm.run(tmp_path, code)
    assert (found.code, found.output) == (4, "3\n")

"""The conductor's decisions, told as stories: what is seen at which second, and what follows."""

from __future__ import annotations

from appliance.supervisor.conducting import (
    Action,
    BecameReady,
    Conductor,
    GiveUp,
    Observation,
    Restart,
    Start,
)

PATIENCE = 60


def stopped() -> Observation:
    return Observation("STOPPED", 0, alive=False, ready=False, detail="waits")


def starting(pid: int = 7) -> Observation:
    return Observation("RUNNING", pid, alive=False, ready=False, detail="is starting")


def ready(pid: int = 7) -> Observation:
    return Observation("RUNNING", pid, alive=True, ready=True)


def alive(pid: int = 7) -> Observation:
    return Observation("RUNNING", pid, alive=True, ready=False, detail="cannot reach its database")


def busy(pid: int = 7) -> Observation:
    return Observation("RUNNING", pid, alive=True, ready=False, detail="migrates", busy=True)


def mute(pid: int = 7) -> Observation:
    return Observation("RUNNING", pid, alive=False, ready=False, detail="does not answer")


def backoff() -> Observation:
    return Observation("BACKOFF", 0, alive=False, ready=False, detail="ended right after its start")


def exited() -> Observation:
    return Observation("EXITED", 0, alive=False, ready=False, detail="has ended")


class Story:
    """One program, watched second after second."""

    def __init__(self) -> None:
        self.conductor = Conductor({"server": PATIENCE})
        self.now = 1000.0

    def see(self, observation: Observation, seconds: float = 1) -> list[Action]:
        self.now += seconds
        return list(self.conductor.step({"server": observation}, self.now))


def test_programs_start_one_after_the_other() -> None:
    conductor = Conductor({"database": 60, "server": 60, "worker": 60})
    rows: list[tuple[dict[str, Observation], list[Action]]] = [
        (
            {"database": stopped(), "server": stopped(), "worker": stopped()},
            [Start("database")],
        ),
        ({"database": starting(1), "server": stopped(), "worker": stopped()}, []),
        (
            {"database": ready(1), "server": stopped(), "worker": stopped()},
            [BecameReady("database", 1.0), Start("server")],
        ),
        ({"database": ready(1), "server": starting(2), "worker": stopped()}, []),
        # The database falters while the server starts: the worker has to wait for both.
        (
            {"database": alive(1), "server": ready(2), "worker": stopped()},
            [BecameReady("server", 1)],
        ),
        ({"database": ready(1), "server": ready(2), "worker": stopped()}, [Start("worker")]),
        (
            {"database": ready(1), "server": ready(2), "worker": ready(3)},
            [BecameReady("worker", 0)],
        ),
        ({"database": ready(1), "server": ready(2), "worker": ready(3)}, []),
    ]
    for second, (seen, expected) in enumerate(rows):
        assert list(conductor.step(seen, float(second))) == expected, f"second {second}"


def test_stopped_program_starts_again_while_later_ones_run() -> None:
    conductor = Conductor({"database": 60, "server": 60})
    conductor.step({"database": ready(1), "server": ready(2)}, 0.0)
    assert conductor.step({"database": stopped(), "server": alive(2)}, 1.0) == [Start("database")]


def test_hang_is_a_row_of_three_failures() -> None:
    story = Story()
    story.see(ready())
    assert story.see(mute()) == []
    assert story.see(mute()) == []
    assert story.see(mute()) == [Restart("server", "it hangs: does not answer")]


def test_one_sign_of_life_ends_the_row() -> None:
    story = Story()
    story.see(ready())
    for observation in (mute(), mute(), alive(), mute(), mute(), ready(), mute(), mute()):
        assert story.see(observation) == []


def test_alive_without_database_is_no_hang() -> None:
    story = Story()
    story.see(ready())
    assert [story.see(alive(), seconds=100) for _ in range(10)] == [[]] * 10


def test_mute_at_start_is_no_hang_until_patience_ends() -> None:
    story = Story()
    assert [story.see(mute()) for _ in range(20)] == [[]] * 20
    assert story.see(mute(), seconds=PATIENCE) == [
        Restart("server", f"it was not ready within {PATIENCE} s: does not answer")
    ]


def test_patience_counts_anew_for_each_process() -> None:
    story = Story()
    story.see(starting(1))
    story.see(starting(1), PATIENCE - 1)
    assert story.see(starting(2)) == []
    assert story.see(starting(2), PATIENCE - 1) == []
    assert story.see(starting(2), 2) != []


def test_slow_but_ready_in_time() -> None:
    story = Story()
    story.see(starting())
    assert story.see(ready(), PATIENCE - 1) == [BecameReady("server", PATIENCE - 1)]


def test_given_up_after_five_vain_tries() -> None:
    story = Story()
    for pid in range(1, 6):
        assert story.see(starting(pid)) == []
        actions = story.see(backoff())
        if pid < 5:
            assert actions == [], f"try {pid}"
    assert actions == [
        GiveUp("server", "it ended 5 times before it was ready: ended right after its start")
    ]


def test_a_new_pid_without_a_gap_is_a_vain_try_as_well() -> None:
    # The conductor looks only now and then, and may miss that there was no process in between.
    story = Story()
    actions = [story.see(starting(pid)) for pid in range(1, 7)]
    assert actions[:5] == [[]] * 5
    assert actions[5] == [GiveUp("server", "it ended 5 times before it was ready: is starting")]


def test_success_wipes_the_vain_tries_out() -> None:
    story = Story()
    for pid in range(1, 5):
        story.see(starting(pid))
    story.see(ready(5))
    for pid in range(6, 11):
        assert [action for action in story.see(starting(pid)) if isinstance(action, GiveUp)] == []


def test_end_of_a_ready_program_is_not_vain_and_it_becomes_ready_again() -> None:
    story = Story()
    for pid in range(1, 20):
        assert story.see(ready(pid)) == [BecameReady("server", 0)]
        assert story.see(exited()) == []


def test_hang_is_counted_anew_after_a_restart() -> None:
    story = Story()
    story.see(ready(1))
    story.see(mute(1))
    story.see(mute(1))
    story.see(stopped())
    story.see(ready(2))
    assert story.see(mute(2)) == []
    assert story.see(mute(2)) == []
    assert story.see(mute(2)) != []


def test_program_that_is_being_stopped_is_left_alone() -> None:
    story = Story()
    story.see(ready())
    stopping = Observation("STOPPING", 7, alive=False, ready=False, detail="is stopping")
    assert [story.see(stopping, 100) for _ in range(5)] == [[]] * 5


def test_conductor_that_was_started_anew_goes_on_from_what_it_sees() -> None:
    conductor = Conductor({"database": 60, "server": 60})
    assert conductor.step({"database": ready(1), "server": ready(2)}, 5.0) == [
        BecameReady("database", 0.0),
        BecameReady("server", 0.0),
    ]


def test_who_is_busy_before_its_start_gets_the_whole_patience_afterwards() -> None:
    story = Story()
    assert story.see(busy()) == []
    assert story.see(busy(), seconds=100 * PATIENCE) == []
    assert story.see(starting(), seconds=PATIENCE - 1) == []
    assert story.see(starting(), seconds=2) == [
        Restart("server", f"it was not ready within {PATIENCE} s: is starting")
    ]

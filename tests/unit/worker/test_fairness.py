from __future__ import annotations

import pytest

from appliance.worker.fairness import Waiting, fairly


def taken(waiting: str, at_work: str = "", queues: str = "") -> str:
    """Letters are deployments; the answer numbers the runs of each in the order they came."""
    seen: dict[str, int] = {}
    ones = []
    for position, letter in enumerate(waiting):
        seen[letter] = seen.get(letter, 0) + 1
        queue = queues[position] if queues else "q"
        ones.append(Waiting(f"{letter}{seen[letter]}", queue, letter))
    return " ".join(fairly(ones, at_work))


@pytest.mark.parametrize(
    ("waiting", "at_work", "expected"),
    [
        ("", "", ""),
        ("aaa", "", "a1 a2 a3"),
        ("aaab", "", "a1 b1 a2 a3"),
        ("aabbc", "", "a1 b1 c1 a2 b2"),
        # Whoever has most at work waits until the others have as many.
        ("aaabb", "aa", "b1 b2 a1 a2 a3"),
        ("aabb", "aab", "b1 a1 b2 a2"),
        # Others' runs do not matter.
        ("ab", "cccc", "a1 b1"),
    ],
)
def test_turns(waiting: str, at_work: str, expected: str) -> None:
    assert taken(waiting, at_work) == expected


def test_a_more_important_queue_comes_first() -> None:
    assert taken("aaab", queues="1112") == "a1 a2 a3 b1"
    # What it has taken counts in the next.
    assert taken("aaab", queues="1122") == "a1 a2 b1 a3"


def test_runs_of_no_deployment_are_one_party() -> None:
    ones = [Waiting(number, "q", None) for number in range(3)] + [Waiting(9, "q", "a")]
    assert fairly(ones, []) == [0, 9, 1, 2]

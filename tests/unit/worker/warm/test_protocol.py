from __future__ import annotations

import pytest

from appliance.worker.warm import protocol

GROUPS = [[b"a", b""], [], [b"\0\xff" * 70_000]]


def test_request_comes_back_as_it_was() -> None:
    packed = protocol.pack(GROUPS)
    head, body = packed[: protocol.REQUEST_HEAD], packed[protocol.REQUEST_HEAD :]
    assert protocol.length(head) == len(body)
    assert protocol.unpack(body) == GROUPS


@pytest.mark.parametrize("size", [0, 3, 9, 20])
def test_request_that_is_cut_short_is_refused(size: int) -> None:
    body = protocol.pack(GROUPS)[protocol.REQUEST_HEAD :]
    with pytest.raises(ValueError, match="cut short"):
        protocol.unpack(body[:size])


def test_answers_are_taken_one_by_one_however_they_arrive() -> None:
    data = protocol.answer(protocol.ENDED, -9) + protocol.answer(protocol.REFUSED, 0, "weil ö")
    for cut in range(protocol.ANSWER_HEAD):
        assert protocol.parse_answer(data[:cut]) is None
    first = protocol.parse_answer(data)
    assert first is not None
    assert first[:3] == (protocol.ENDED, -9, "")
    assert protocol.parse_answer(first[3][:-1]) is None
    assert protocol.parse_answer(first[3]) == (protocol.REFUSED, 0, "weil ö", b"")

from __future__ import annotations

import pytest

from appliance.errors import OperatorError, SeveralMistakesError, WorldError


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (WorldError("the disk is full"), "the disk is full"),
        (WorldError("it failed:\n  twice ", where="/data"), "it failed: twice (/data)"),
        (OperatorError("no", where="ZOE_X", remedy="set it"), "no (ZOE_X); set it"),
        (OperatorError("no", remedy="set it"), "no; set it"),
    ],
)
def test_one_line(error: WorldError | OperatorError, line: str) -> None:
    assert error.line() == str(error) == line


def test_several_mistakes_are_a_line_each() -> None:
    error = SeveralMistakesError([OperatorError("one", where="a"), OperatorError("two")])
    assert error.line() == "one (a)\ntwo"
    assert error.exit_code == 2


def test_exit_codes_tell_the_operator_s_mistakes_from_others() -> None:
    assert (OperatorError("x").exit_code, WorldError("x").exit_code) == (2, 1)

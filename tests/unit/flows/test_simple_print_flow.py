from __future__ import annotations

import pytest
from prefect.exceptions import ParameterTypeError
from prefect.logging.handlers import APILogHandler
from simple_print_flow import simple_print_flow

from tests.unit.flows.server_records import log_messages


def test_prints_go_to_the_log_of_the_run(server: str) -> None:
    state = simple_print_flow(name="Ada", times=2, return_state=True)
    APILogHandler().flush()
    assert state.is_completed()
    assert log_messages(server, state).count("Hello, Ada!") == 2


def test_it_greets_the_world_by_default(server: str) -> None:  # noqa: ARG001
    assert simple_print_flow() == "Hello, world!"


def test_a_number_that_makes_no_sense_is_refused(server: str) -> None:  # noqa: ARG001
    with pytest.raises(ParameterTypeError, match="greater than or equal to 1"):
        simple_print_flow(times=0)

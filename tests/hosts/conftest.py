from __future__ import annotations

import pytest
from testinfra.host import Host

from tests.support.machine import Machine


@pytest.fixture(scope="module")
def machine(host: Host) -> Machine:
    return Machine(host)

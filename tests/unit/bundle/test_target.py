from __future__ import annotations

import pytest

from appliance.bundle.target import Target, target
from appliance.errors import OperatorError


def test_a_target_is_named_by_python_and_machine() -> None:
    assert target("3.13", "x86_64") == Target((3, 13), "x86_64")
    assert target("3.11", "aarch64").tag == "cp311-aarch64"


@pytest.mark.parametrize("python", ["3.10", "3.14", "3", "3.13.1", "three"])
def test_another_python_is_refused(python: str) -> None:
    with pytest.raises(OperatorError, match=rf"Python {python} .*3\.11, 3\.12, 3\.13"):
        target(python, "x86_64")


def test_another_processor_is_refused() -> None:
    with pytest.raises(OperatorError, match=r"riscv64 .*x86_64, aarch64"):
        target("3.13", "riscv64")


def test_wheels_for_the_oldest_system_are_taken_and_for_newer_ones_not() -> None:
    platforms = Target((3, 13), "x86_64").platforms()
    assert platforms[0] == "manylinux_2_34_x86_64"
    assert "manylinux_2_17_x86_64" in platforms
    assert "manylinux2014_x86_64" in platforms
    assert "manylinux_2_39_x86_64" not in platforms


@pytest.mark.parametrize(
    ("marker", "python", "is_wanted"),
    [
        ("python_full_version < '3.13'", (3, 13), False),
        ("python_full_version < '3.13'", (3, 12), True),
        ("python_full_version >= '3.13'", (3, 13), True),
        # Debian 12 has 3.11.2, which its minor version does not tell.
        ("python_full_version < '3.11.3'", (3, 11), True),
        ("python_full_version < '3.11.3'", (3, 12), False),
        ("sys_platform == 'win32'", (3, 13), False),
        ("implementation_name != 'PyPy' and platform_machine == 'aarch64'", (3, 13), True),
    ],
)
def test_markers_are_judged_for_the_target_not_for_this_python(
    marker: str, python: tuple[int, int], is_wanted: bool
) -> None:
    assert Target(python, "aarch64").wants(marker) is is_wanted

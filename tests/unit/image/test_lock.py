from __future__ import annotations

import pytest

from appliance.image import lock

LOCK = """\
# made by a tool
ruamel-yaml==0.19.1 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via prefect
uv==0.13.8 ; python_version >= "3.11" \\
    --hash=sha256:cc
    # via us
websockets==16.1.1 \\
    --hash=sha256:dd
"""


def test_pins_are_found_by_normalized_name() -> None:
    assert lock.pins(LOCK) == {
        "ruamel-yaml": "0.19.1",
        "uv": "0.13.8",
        "websockets": "16.1.1",
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("uv-0.13.8-py3-none-manylinux_2_17_x86_64.whl", True),
        ("ruamel_yaml-0.19.1-py3-none-any.whl", True),
        ("Ruamel.Yaml-0.19.1.tar.gz", True),
        ("uv-0.13.7-py3-none-any.whl", False),
        ("torch-9.0-cp313-cp313-linux_x86_64.whl", False),
        ("uv-0.13.8", False),
        ("index.html", False),
    ],
)
def test_only_files_of_pinned_versions_are_wanted(name: str, *, expected: bool) -> None:
    assert lock.is_pinned(name, lock.pins(LOCK)) is expected

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


def test_an_entry_is_the_pin_with_its_hashes_and_nothing_else() -> None:
    assert lock.entry(LOCK, "uv") == (
        'uv==0.13.8 ; python_version >= "3.11" \\\n    --hash=sha256:cc\n'
    )
    assert lock.entry(LOCK, "Ruamel.YAML").count("--hash") == 2


def test_an_entry_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError, match="pip"):
        lock.entry(LOCK, "pip")


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

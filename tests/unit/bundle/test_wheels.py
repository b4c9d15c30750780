from __future__ import annotations

from pathlib import Path

from appliance.bundle import wheels
from appliance.bundle.target import Target
from appliance.image import lock

REPOSITORY = Path(__file__).parents[3]
LOCK = """\
# made by make lock
always==1.0 \\
    --hash=sha256:aa \\
    --hash=sha256:ab
    # via something
old-only==2.0 ; python_full_version < '3.13' \\
    --hash=sha256:bb
windows==3.0 ; sys_platform == 'win32' \\
    --hash=sha256:cc
"""


def test_entries_for_other_targets_and_all_markers_are_left_out() -> None:
    assert wheels.wanted(LOCK, Target((3, 13), "x86_64")) == (
        "always==1.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:ab\n"
    )
    assert wheels.wanted(LOCK, Target((3, 12), "x86_64")).endswith(
        "old-only==2.0 \\\n    --hash=sha256:bb\n"
    )


def test_the_real_lock_is_read_to_its_last_entry() -> None:
    text = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8")
    old, new = (
        lock.pins(wheels.wanted(text, Target(python, "x86_64"))) for python in ((3, 11), (3, 13))
    )
    assert lock.pins(text).keys() - old.keys() - new.keys() == {"pywin32"}
    assert "pendulum" in old.keys() - new.keys()
    assert "whenever" in new.keys() - old.keys()


def test_our_own_wheel_is_pinned_like_any_other(tmp_path: Path) -> None:
    wheel = tmp_path / "zoe_prefect-0.1.0-py3-none-any.whl"
    wheel.write_bytes(b"")
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert wheels.pin(wheel) == f"zoe-prefect==0.1.0 \\\n    --hash=sha256:{empty}\n"

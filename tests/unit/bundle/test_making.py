from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from appliance.bundle import making, wheels
from appliance.bundle.target import Target
from tests.unit.image.test_context import FILES

TARGET = Target((3, 13), "x86_64")
LOCK = FILES["requirements.lock"]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a checkout, with a pip that makes empty wheels."""
    root = tmp_path / "checkout"
    own = {
        "requirements-dev.lock": "setuptools==80.9.0 \\\n    --hash=sha256:00\n",
        "appliance/__init__.py": '__version__ = "0.1.0"\n',
    }
    for name, text in {**FILES, **own}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def download(_: str, __: Target, directory: Path) -> None:
        (directory / "prefect-3.8.8-py3-none-any.whl").write_bytes(b"wheel")

    def build(source: Path, _: str, directory: Path) -> Path:
        made = directory / "zoe_prefect-0.1.0-py3-none-any.whl"
        made.write_text((source / "appliance/__init__.py").read_text())
        return made

    monkeypatch.setattr(wheels, "download", download)
    monkeypatch.setattr(wheels, "build", build)
    return root


def test_a_bundle_holds_installer_wheels_lock_and_project(checkout: Path, tmp_path: Path) -> None:
    made = making.make(checkout, TARGET, tmp_path / "bundles")
    assert made.name.startswith("zoe-0.1.0-")
    assert made.name.endswith("-cp313-x86_64.pyz")
    with zipfile.ZipFile(made) as bundle:
        names = set(bundle.namelist())
        requirements = bundle.read("requirements.lock").decode()
    assert {"__main__.py", "manifest.json", "project/flows/hello.py"} <= names
    assert "wheels/zoe_prefect-0.1.0-py3-none-any.whl" in names
    assert not [name for name in names if name.startswith(("source", "tools"))]
    assert requirements.startswith(LOCK)
    assert "zoe-prefect==0.1.0" in requirements


def test_the_same_checkout_gives_the_same_bundle_once(checkout: Path, tmp_path: Path) -> None:
    first = making.make(checkout, TARGET, tmp_path / "one")
    again = making.make(checkout, TARGET, tmp_path / "two")
    assert first.name == again.name
    assert first.read_bytes() == again.read_bytes()
    number = first.stat().st_ino
    assert making.make(checkout, TARGET, tmp_path / "one").stat().st_ino == number


@pytest.mark.parametrize("name", ["appliance/worker/template.json", "requirements.lock"])
def test_a_change_of_what_is_installed_changes_the_name(
    checkout: Path, tmp_path: Path, name: str
) -> None:
    before = making.make(checkout, TARGET, tmp_path / "bundles")
    with (checkout / name).open("a") as file:
        file.write("\n")
    assert making.make(checkout, TARGET, tmp_path / "bundles").name != before.name


def test_a_change_of_anything_else_does_not(checkout: Path, tmp_path: Path) -> None:
    before = making.make(checkout, TARGET, tmp_path / "bundles")
    (checkout / "tests/unit/test_x.py").write_text("changed\n")
    (checkout / "README.md").write_text("changed\n")
    assert making.make(checkout, TARGET, tmp_path / "bundles") == before


def test_wheels_are_fetched_once_for_one_lock(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched = []
    fetch = wheels.download

    def counting(lock: str, target: Target, directory: Path) -> None:
        fetched.append(target)
        fetch(lock, target, directory)

    monkeypatch.setattr(wheels, "download", counting)
    bundles = tmp_path / "bundles"
    making.make(checkout, TARGET, bundles)
    (checkout / "flows/hello.py").write_text("# another\n")
    making.make(checkout, TARGET, bundles)
    assert fetched == [TARGET]
    making.make(checkout, Target((3, 11), "x86_64"), bundles)
    with (checkout / "requirements.lock").open("a") as file:
        file.write("\n")
    making.make(checkout, TARGET, bundles)
    assert len(fetched) == 3
    assert len(list(bundles.glob("wheels-*"))) == 2


def test_few_old_bundles_are_kept(checkout: Path, tmp_path: Path) -> None:
    for number in range(making.KEPT + 2):
        (checkout / "flows/hello.py").write_text(f"# {number}\n")
        newest = making.make(checkout, TARGET, tmp_path / "bundles")
    left = list((tmp_path / "bundles").glob("*.pyz"))
    assert len(left) == making.KEPT
    assert newest in left


def test_a_python_without_what_is_needed_is_told_in_one_line() -> None:
    # -S: without what is installed beside Python itself.
    done = subprocess.run(
        [sys.executable, "-S", "-m", "appliance.bundle", "--python", "3.13"],
        cwd=Path(making.__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"bundle: {sys.executable} has no module packaging; ")
    assert done.stderr.count("\n") == 1

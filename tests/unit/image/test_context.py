from __future__ import annotations

from pathlib import Path

import pytest

from appliance.errors import OperatorError
from appliance.image import context
from appliance.image.pip_settings import PipSettings, Setting, collect

LOCK = "prefect==3.8.8 \\\n    --hash=sha256:aa\n"
FILES = {
    "requirements.lock": LOCK,
    "pyproject.toml": "[project]\n",
    "LICENSE": "words\n",
    "README.md": "changes often\n",
    ".prefectignore": "*.md\n",
    "appliance/__init__.py": "",
    "appliance/Dockerfile": "FROM x\n",
    "appliance/image/build.py": "",
    "appliance/image/inside/step.sh": "true\n",
    "appliance/image/inside/__pycache__/x.pyc": "",
    "appliance/worker/template.json": "{}",
    "appliance/worker/image": "a file of that name elsewhere\n",
    "appliance/__pycache__/a.cpython-311.pyc": "",
    "appliance/.cli.py.swp": "",
    "flows/hello.py": "",
    "flows/.mypy_cache/x.json": "",
    "deployments/hello.yaml": "",
    "tests/unit/test_x.py": "",
    ".git/config": "",
    ".venv/bin/python": "",
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def listing(directory: Path) -> dict[str, tuple[int, float, bytes]]:
    return {
        str(path.relative_to(directory)): (
            path.stat().st_mode & 0o777,
            path.stat().st_mtime,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in directory.rglob("*")
    }


def stage(repository: Path, settings: PipSettings | None = None) -> Path:
    target = repository.parent / "context"
    context.stage(repository, target, settings or PipSettings(), apt_proxies="")
    return target


def test_the_context_has_what_the_image_needs_and_nothing_else(repository: Path) -> None:
    staged = stage(repository)
    assert {str(path.relative_to(staged)) for path in staged.rglob("*") if path.is_file()} == {
        "Dockerfile",
        "requirements.lock",
        "host/apt.conf",
        "host/pip.conf",
        "inside/step.sh",
        "project/.prefectignore",
        "project/deployments/hello.yaml",
        "project/flows/hello.py",
        "source/LICENSE",
        "source/README.md",
        "source/appliance/__init__.py",
        "source/appliance/worker/image",
        "source/appliance/worker/template.json",
        "source/pyproject.toml",
    }


def test_staging_again_gives_the_same_bytes_modes_and_times(repository: Path) -> None:
    first = listing(stage(repository))
    for path in repository.rglob("*"):
        path.chmod(0o775 if path.is_dir() else 0o664)
    (repository / "README.md").write_text("changed\n")
    (repository.parent / "context/stale").touch()
    assert listing(stage(repository)) == first


def test_a_script_stays_executable(repository: Path) -> None:
    (repository / "flows/hello.py").chmod(0o744)
    staged = stage(repository)
    assert (staged / "project/flows/hello.py").stat().st_mode & 0o777 == 0o755
    assert (staged / "project/deployments/hello.yaml").stat().st_mode & 0o777 == 0o644


def test_nobody_else_may_look_into_a_context_with_credentials(repository: Path) -> None:
    assert stage(repository).stat().st_mode & 0o077 == 0


def test_certificates_are_named_to_pip_and_apt_alike(repository: Path) -> None:
    bundle = repository.parent / "bundle.pem"
    bundle.write_text("-----BEGIN CERTIFICATE-----\n")
    staged = stage(repository, PipSettings(ca=Setting(str(bundle), "PIP_CERT")))
    assert (staged / "host/ca.pem").read_text() == bundle.read_text()
    assert "cert = /build/host/ca.pem" in (staged / "host/pip.conf").read_text()
    assert 'CAInfo "/build/host/ca.pem"' in (staged / "host/apt.conf").read_text()


def test_local_wheels_come_along_if_the_lock_wants_them(repository: Path) -> None:
    wheels = repository.parent / "wheels"
    wheels.mkdir()
    for name in ("prefect-3.8.8-py3-none-any.whl", "prefect-3.8.7-py3-none-any.whl", "x.txt"):
        (wheels / name).touch()
    settings = collect({"PIP_FIND_LINKS": str(wheels), "PIP_NO_INDEX": "1"}, [], [])
    staged = stage(repository, settings)
    assert [path.name for path in (staged / "host/wheels").iterdir()] == [
        "prefect-3.8.8-py3-none-any.whl"
    ]
    text = (staged / "host/pip.conf").read_text()
    assert "find-links = /build/host/wheels" in text
    assert "no-index = 1" in text


@pytest.mark.parametrize("missing", ["requirements.lock", "appliance/Dockerfile"])
def test_an_incomplete_checkout_is_named(repository: Path, missing: str) -> None:
    (repository / missing).unlink()
    with pytest.raises(OperatorError, match=Path(missing).name):
        stage(repository)


def test_a_missing_directory_is_named(repository: Path) -> None:
    (repository / "deployments/hello.yaml").unlink()
    (repository / "deployments").rmdir()
    with pytest.raises(OperatorError, match="no directory deployments"):
        stage(repository)


def test_the_dockerfile_copies_only_what_is_staged() -> None:
    root = Path(context.__file__).parents[2]
    words = [
        word
        for line in (root / "appliance/Dockerfile").read_text().splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for word in line.split()[1:-1]
    ]
    tops = {word.partition("/")[0] for word in words}
    assert tops <= {"host", "inside", "source", "project", "requirements.lock"}
    for word in words:
        if word.startswith("inside/"):
            assert (root / "appliance/image" / word).exists()


def test_the_dockerfile_needs_nothing_that_the_classic_builder_lacks() -> None:
    text = (Path(context.__file__).parents[1] / "Dockerfile").read_text()
    assert "--mount" not in text
    assert "<<" not in text
    assert "# syntax" not in text

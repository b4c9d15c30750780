from __future__ import annotations

from pathlib import Path

import pytest

from appliance.deployer.environments import demand
from appliance.deployer.environments.demand import DemandError, logical_lines, read

OWN = {"prefect": "3.8.8", "pydantic": "2.12.0"}


def write(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / {"lock": demand.LOCK, "pyproject": demand.PYPROJECT}.get(name, f"{name}.txt")
        path.write_text(text, encoding="utf-8")
    return root


def names(root: Path) -> list[str]:
    found = read(root)
    return [str(one.requirement) for one in found.wanted] if found else []


def lacks(root: Path) -> bool:
    found = read(root)
    return found is not None and found.lacks(OWN)


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"requirements": "# nothing\n\n"},
        {"pyproject": "[tool.ruff]\nline-length = 100\n"},
        {"pyproject": "[project]\nname = 'p'\ndependencies = []\n"},
        # The files of others do not matter then.
        {"requirements": "\n", "pyproject": "[project]\ndependencies = ['pandas']\n"},
        {"lock": "version = 1\n", "pyproject": "[project]\nname = 'p'\n"},
    ],
)
def test_a_project_that_asks_for_nothing(tmp_path: Path, files: dict[str, str]) -> None:
    assert read(write(tmp_path, **files)) is None


def test_the_lock_counts_before_requirements_and_these_before_pyproject(tmp_path: Path) -> None:
    write(tmp_path, pyproject="[project]\ndependencies = ['a']\n")
    assert names(tmp_path) == ["a"]
    write(tmp_path, requirements="b\n")
    assert names(tmp_path) == ["b"]
    write(tmp_path, lock="version = 1\n")
    found = read(tmp_path)
    assert found is not None
    assert (found.file.name, names(tmp_path)) == ("uv.lock", ["a"])


def test_entries_of_requirements(tmp_path: Path) -> None:
    text = "# first\na==1 # why\nb>=2 \\\n  --hash=sha256:00 \\\n  --hash=sha256:11\n--no-index\n"
    assert list(logical_lines(text)) == [
        (2, "a==1"),
        (3, "b>=2   --hash=sha256:00   --hash=sha256:11"),
        (6, "--no-index"),
    ]
    assert names(write(tmp_path, requirements=text)) == ["a==1", "b>=2"]


def test_files_that_are_included_count_and_constraints_ask_for_nothing(tmp_path: Path) -> None:
    write(tmp_path, requirements="-r base.txt\n-c bound.txt\na\n", base="b\n", bound="c<3\n")
    assert names(tmp_path) == ["b", "a"]
    before = read(tmp_path)
    write(tmp_path, bound="c<4\n")
    after = read(tmp_path)
    assert before is not None
    assert after is not None
    assert before.digest != after.digest


def test_what_does_not_matter_to_an_environment_does_not_change_it(tmp_path: Path) -> None:
    write(tmp_path, pyproject="[project]\nversion = '1'\ndependencies = ['a']\n")
    before = read(tmp_path)
    write(tmp_path, pyproject="[project]\nversion = '2'\ndependencies = ['a']\n[tool.ruff]\n")
    after = read(tmp_path)
    assert before == after


def test_wheels_beside_a_project_are_no_other_s(tmp_path: Path) -> None:
    digests = set()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        found = read(write(tmp_path / name, requirements="--find-links wheels\na\n"))
        assert found is not None
        digests.add(found.digest)
    assert len(digests) == 2


@pytest.mark.parametrize(
    ("text", "lacking"),
    [
        ("prefect\n", False),
        ("prefect>=3\npydantic==2.12.0\n", False),
        ("Prefect ; python_version > '3'\n", False),
        ("prefect==2.20 ; python_version < '3'\n", False),
        ("pandas ; python_version < '3'\n", False),
        ("prefect[docker]\n", True),
        ("pandas\n", True),
        ("https://wheels.example.org/a-1-py3-none-any.whl\n", True),
        ("prefect\npandas==2.2.0\n", True),
    ],
)
def test_zoe_s_own_packages_serve_who_asks_for_no_others(
    tmp_path: Path, text: str, *, lacking: bool
) -> None:
    assert lacks(write(tmp_path, requirements=text)) is lacking


@pytest.mark.parametrize(
    ("files", "line", "words"),
    [
        (
            {"requirements": "a\nprefect==2.20\n"},
            2,
            "prefect==2.20 does not go with Zoe's own prefect 3.8.8, which all flows share; allow",
        ),
        (
            {"pyproject": "[project]\ndependencies = [\n  'a',\n  'pydantic<2',\n]\n"},
            4,
            "pydantic<2 does not go with Zoe's own pydantic 2.12.0",
        ),
        (
            {"requirements": "prefect @ git+https://me:secret@git.example.org/prefect\n"},
            1,
            "prefect from git+https://git.example.org/prefect does not go with",
        ),
        ({"requirements": "-e .\n"}, 1, "packages from directories are not installed"),
        ({"requirements": "a\n./lib\n"}, 2, "packages from directories are not installed"),
        ({"requirements": "a @ file:///x\n"}, 1, "packages from directories are not installed"),
        (
            {
                "pyproject": "[project]\ndependencies = ['my-lib']\n"
                "[tool.uv.sources]\nmy_lib = {workspace = true}\n"
            },
            2,
            "packages from directories are not installed",
        ),
        (
            {"pyproject": "[project]\ndynamic = ['dependencies']\n"},
            2,
            "dependencies that are dynamic",
        ),
        ({"pyproject": "[project]\ndependencies = ['a b']\n"}, 2, "'a b' names no package"),
        ({"pyproject": "[project\n"}, 0, "this is not TOML"),
        ({"lock": "version = 1\n"}, 0, "there is no pyproject.toml beside it"),
        ({"requirements": "-r absent.txt\n"}, 0, "it cannot be read: No such file"),
    ],
)
def test_what_no_environment_can_give(
    tmp_path: Path, files: dict[str, str], line: int, words: str
) -> None:
    with pytest.raises(DemandError) as caught:
        lacks(write(tmp_path, **files))
    assert str(caught.value).startswith(words)
    assert caught.value.line == line

"""Where the UI's files come from."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.layout import Layout
from appliance.server import ui
from tests.unit.support import make_settings


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("templates")
    subprocess.run([sys.executable, "-P", "-m", "appliance.server.ui", str(made)], check=True)
    return made


def test_it_is_made_ahead_with_the_root_as_its_path(templates: Path) -> None:
    made = templates / ui.NAME
    pages = sorted(made.glob("*/index.html"))
    assert [page.parent.name for page in pages] == ["v1", "v2"]
    for page in pages:
        assert "REPLACE_PLACEHOLDER" not in page.read_text()
    assert not list(made.glob(".*")), "a lock of its making is left"


def test_prefect_takes_it_as_it_is(templates: Path, tmp_path: Path) -> None:
    made = templates / ui.NAME
    before = {path: path.stat().st_mtime_ns for path in made.rglob("*")}
    environment = {
        **os.environ,
        "PREFECT_HOME": str(tmp_path),
        "PREFECT_SERVER_UI_SERVE_BASE": "/",
        "PREFECT_SERVER_UI_STATIC_DIRECTORY": str(made),
    }
    start = "from prefect.server.api.server import create_app; create_app(final=True)"
    subprocess.run([sys.executable, "-c", start], env=environment, check=True)
    assert {path: path.stat().st_mtime_ns for path in made.rglob("*")} == before


def test_it_serves_the_root_and_a_path_has_its_own(templates: Path, tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    assert ui.prepare(make_settings(), layout, templates) == templates / ui.NAME
    assert not layout.ui.exists()
    below = make_settings(public_url="https://example.org/prefect")
    assert ui.prepare(below, layout, templates) == layout.ui
    assert layout.ui.is_dir()


@pytest.mark.parametrize("stamp", ["3.0.0", None])
def test_that_of_another_prefect_is_of_no_use(stamp: str | None, tmp_path: Path) -> None:
    made = tmp_path / "templates" / ui.NAME
    made.mkdir(parents=True)
    if stamp:
        (made / ui.STAMP).write_text(stamp)
    layout = Layout(tmp_path / "data")
    assert ui.prepare(make_settings(), layout, made.parent) == layout.ui

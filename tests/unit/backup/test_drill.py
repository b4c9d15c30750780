from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from appliance.api import Api
from appliance.backup.drill import check, drill, main
from appliance.backup.manifest import Manifest
from appliance.errors import OperatorError, WorldError
from appliance.layout import Layout
from appliance.maintenance import outcome
from tests.unit.backup.archives import make_archive
from tests.unit.support import NO_CREDENTIALS, make_settings


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path / "data")
    layout.data.mkdir()
    return layout


def failed(layout: Layout, kind: type[Exception], words: str) -> outcome.Outcome:
    """Hold a drill that fails; return what is on record of it."""
    with pytest.raises(kind, match=words):
        drill(make_settings(data_dir=layout.data), layout)
    found = outcome.read(layout, "drill")
    assert found
    assert not found.ok
    assert not list(layout.data.glob(".*"))
    return found


def test_nothing_to_restore_is_a_failure(layout: Layout) -> None:
    assert "no backup yet" in failed(layout, OperatorError, "no backup yet").line


def test_a_damaged_archive_is_on_record_by_its_name(layout: Layout) -> None:
    path = make_archive(layout.backups, {"a": "COMPLETED"})
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    found = failed(layout, WorldError, "damaged")
    assert found.details == {"archive": path.name}


def test_a_server_that_does_not_start_is_on_record_with_its_words(layout: Layout) -> None:
    make_archive(layout.backups, {}, files={"secrets/encryption_key": "not a key\n"})
    words = "Prefect does not start on the restored data: .*encryption_key"
    assert "encryption_key" in failed(layout, WorldError, words).line


class Answers(Api):
    """The API of a server that counts so many flow runs."""

    def __init__(self, count: int) -> None:
        super().__init__(make_settings(), NO_CREDENTIALS)
        self.close()
        self._count = count
        self.asked: list[str] = []

    def post(self, path: str, body: Any) -> Any:
        del body
        self.asked.append(path)
        return self._count if path.endswith("count") else []


def promising(runs: int) -> Manifest:
    return Manifest.from_json(
        '{"format": 1, "zoe": "0", "prefect": "3", "made_at": "2026-01-01T00:00:00+00:00", '
        f'"engine": "sqlite", "revision": null, "tables": {{"flow_run": {runs}}}, "files": {{}}}}'
    )


def test_the_server_must_count_what_the_archive_has() -> None:
    api = Answers(3)
    check(api, promising(3))
    assert "/block_documents/filter" in api.asked
    with pytest.raises(WorldError, match="counts 3 flow runs, and the archive's manifest says 4"):
        check(api, promising(4))


def test_the_program_says_what_failed(
    layout: Layout,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "zoe.toml").touch()
    monkeypatch.setenv("ZOE_CONFIG", str(tmp_path / "zoe.toml"))
    monkeypatch.setenv("ZOE_DATA_DIR", str(layout.data))
    assert main() == 2
    assert "the restore drill failed: there is no backup yet" in capsys.readouterr().out

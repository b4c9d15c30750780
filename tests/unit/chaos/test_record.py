"""The page that `make chaos` makes, from records of several partial runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.chaos import record


def cell(program: str, phase: str, **details: Any) -> dict[str, Any]:
    return {
        "kind": record.CELL,
        "engine": "sqlite",
        "program": program,
        "phase": phase,
        "at": "2026-01-02T03:04:05+00:00",
        "ok": True,
        "seconds": 4.4,
        "acknowledged": 20,
        **details,
    }


def row(page: str, program: str) -> list[str]:
    line = next(line for line in page.splitlines() if line.startswith(f"| {program} "))
    return [column.strip() for column in line.strip("|").split("|")]


def test_a_cell_stands_in_its_row_and_column() -> None:
    page = record.page(
        [
            cell("worker", "idle", ends={"COMPLETED": 3, "CRASHED": 1}),
            cell("server", "first run", exit_code=1),
            cell("server", "stopping", ok=False),
        ],
        cores=2,
    )
    assert row(page, "worker")[3] == "ok, 4 s (3 completed, 1 crashed)"
    assert row(page, "server")[1] == "ok, 4 s, exit 1"
    assert row(page, "server")[6] == "**failed**"
    assert row(page, "server")[2] == "not run"
    assert "3 experiments with the real image, 2026-01-02, on 2 cores; 1 failed." in page
    assert "40 flow runs had been acknowledged" in page
    assert "deployer" not in page.split("## sqlite")[1]


def test_the_newest_record_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "below" / "chaos.jsonl"
    monkeypatch.setattr(record, "RECORDS", path)
    monkeypatch.setattr(record, "PAGE", str(tmp_path / "page.md"))

    def fail() -> None:
        with record.outcome("disk full", engine="sqlite") as details:
            details["acknowledged"] = 7
            raise AssertionError

    with pytest.raises(AssertionError):
        fail()
    assert "disk full | sqlite | **failed**" in record.page(record.read(path), cores=1)
    with record.outcome("disk full", engine="sqlite") as details:
        details |= {"acknowledged": 9, "ends": {"COMPLETED": 2}}
    assert "disk full | sqlite | ok, acknowledged 9, 2 completed" in record.page(
        record.read(path), cores=1
    )
    monkeypatch.setattr(record, "PAGE", None)
    with record.outcome("not wanted"):
        pass
    assert "not wanted" not in path.read_text(encoding="utf-8")


def test_nothing_on_record_is_no_error(tmp_path: Path) -> None:
    assert "0 experiments" in record.page(record.read(tmp_path / "absent"), cores=1)


def test_what_was_broken_off_is_no_outcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "records"
    monkeypatch.setattr(record, "PAGE", "page.md")
    monkeypatch.setattr(record, "RECORDS", file)
    with pytest.raises(KeyboardInterrupt), record.outcome("a trial"):
        raise KeyboardInterrupt
    assert record.read(file) == []

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from appliance import exchange as module
from appliance.errors import OperatorError, WorldError
from appliance.exchange import check, exchange, is_pending, recover
from appliance.layout import Layout
from tests.unit.killing import killed_before_change
from tests.unit.support import unprivileged

OLD = {"database/prefect.db": "old", "database/prefect.db-wal": "old", "secrets/key": "old"}
OLD_STAMP = {"zoe.json": "old"}
NEW = {"database/prefect.db": "new", "secrets/key": "new", "results/one": "new"}
KEPT = {f"replaced/{name}": text for name, text in {**OLD, **OLD_STAMP}.items()}


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path / "data")
    fill(layout.data, {**OLD, **OLD_STAMP, "logs/zoe.log": "ours"})
    fill(layout.data / ".staged", NEW)
    return layout


def fill(directory: Path, content: dict[str, str]) -> None:
    for name, text in content.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def content(layout: Layout) -> dict[str, str]:
    """Return what an operator sees: neither hidden nor empty."""
    return {
        str(path.relative_to(layout.data)): path.read_text()
        for path in layout.data.rglob("*")
        if path.is_file() and not path.relative_to(layout.data).parts[0].startswith(".")
    }


def exchange_all(layout: Layout) -> None:
    staged = layout.data / ".staged"
    replacements = {
        layout.data / "database": staged / "database",
        layout.data / "secrets": staged / "secrets",
        layout.data / "results": staged / "results",
        layout.stamp: None,
    }
    exchange(layout, replacements, layout.data / "replaced")


def moments() -> Iterator[int]:
    return itertools.count()


def test_all_entries_are_exchanged_and_the_old_ones_kept(layout: Layout) -> None:
    exchange_all(layout)
    assert content(layout) == {**NEW, **KEPT, "logs/zoe.log": "ours"}
    assert not is_pending(layout)
    assert not recover(layout)


def test_nothing_is_kept_where_nothing_was(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    fill(layout.data / ".staged", NEW)
    exchange_all(layout)
    assert content(layout) == NEW
    assert not (layout.data / "replaced").exists()


def test_a_kill_at_any_moment_leaves_the_old_or_the_new_whole(tmp_path: Path) -> None:
    seen = []
    for moment in moments():
        layout = Layout(tmp_path / str(moment))
        before = {**OLD, **OLD_STAMP}
        fill(layout.data, before)
        fill(layout.data / ".staged", NEW)
        killed = killed_before_change(moment, partial(exchange_all, layout))
        seen.append(recover(layout))
        after = content(layout)
        if not seen[-1] and killed and after != {**NEW, **KEPT}:
            assert after == before
        else:
            assert after == {**NEW, **KEPT}
        if not killed:
            break
    # Some kills came before the journal, some after it, and each move was the last of one.
    assert seen[0] is False
    assert seen.count(True) >= len(NEW) + len(KEPT) - 1


def test_a_kill_of_the_recovery_is_recovered_from_as_well(tmp_path: Path) -> None:
    for moment in moments():
        layout = Layout(tmp_path / str(moment))
        fill(layout.data, {**OLD, **OLD_STAMP})
        fill(layout.data / ".staged", NEW)
        begun = next(
            n
            for n in moments()
            if killed_before_change(n, partial(exchange_all, layout)) and is_pending(layout)
        )
        assert begun
        killed = killed_before_change(moment, partial(recover, layout))
        recover(layout)
        assert content(layout) == {**NEW, **KEPT}
        if not killed:
            break


def test_a_pending_exchange_comes_before_another(layout: Layout) -> None:
    layout.exchange_journal.write_text("{}")
    with pytest.raises(WorldError, match="an earlier exchange is not finished"):
        exchange_all(layout)
    with pytest.raises(WorldError, match="cannot be read"):
        recover(layout)
    assert content(layout) == {**OLD, **OLD_STAMP, "logs/zoe.log": "ours"}


def test_what_was_to_come_in_and_is_gone_leaves_the_rest_where_it_is(layout: Layout) -> None:
    begun = next(
        n
        for n in moments()
        if killed_before_change(n, partial(exchange_all, layout)) and is_pending(layout)
    )
    assert begun
    shutil.rmtree(layout.data / ".staged" / "results")
    before = content(layout)
    for _ in range(2):
        with pytest.raises(WorldError, match=r"\.staged/results is gone.*remove the journal"):
            recover(layout)
    assert content(layout) == before
    assert is_pending(layout)


def test_a_disk_that_refuses_is_told_and_gone_on_with(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(_: Path) -> None:
        # The second is the one that waits for the renames.
        monkeypatch.setattr(module, "sync_file_system", fails)

    def fails(_: Path) -> None:
        raise OSError(5, os.strerror(5))

    monkeypatch.setattr(module, "sync_file_system", refuses)
    with pytest.raises(WorldError, match=r"not finished: .*Input/output error.*the next start"):
        exchange_all(layout)
    monkeypatch.undo()
    assert recover(layout)
    assert content(layout) == {**NEW, **KEPT, "logs/zoe.log": "ours"}


def test_what_may_not_be_moved_is_refused(public_dir: Path) -> None:
    layout = Layout(public_dir / "data")
    for place in (layout.data, layout.results, layout.ledger.parent, layout.ledger):
        place.mkdir()
    modes = {layout.data: 0o777, layout.ledger: 0o777, layout.ledger.parent: 0o555}
    for place, mode in {**modes, layout.results: 0o555}.items():
        place.chmod(mode)

    def refused() -> list[str]:
        lines = []
        for target in (layout.results, layout.ledger, layout.secrets_dir, layout.stamp):
            try:
                check(layout, [target])
            except OperatorError as error:
                lines.append(error.what)
        return lines

    results, ledger = unprivileged(refused)
    assert f"{layout.results} belongs to uid {os.getuid()}, and uid" in results
    assert results.endswith("may not move it")
    assert f"{layout.ledger.parent} belongs to" in ledger
    assert ledger.endswith("may not move what is in it")


def test_a_mount_is_found_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "linked").symlink_to("/")
    layout = Layout(tmp_path / "linked")
    with pytest.raises(OperatorError, match="/proc is a volume of its own"):
        check(layout, [layout.data / "proc"])


def test_a_mount_is_refused_before_anything_moves() -> None:
    # /proc is a mount on every Linux.
    layout = Layout(Path("/"))
    with pytest.raises(OperatorError, match="/proc is a volume of its own"):
        exchange(layout, {Path("/proc"): None}, Path("/kept"))
    assert not is_pending(layout)

from __future__ import annotations

from pathlib import Path

import pytest

from appliance import trees
from tests.unit.support import unprivileged


@pytest.fixture
def tree(public_dir: Path) -> Path:
    root = public_dir / "tree"
    (root / "a" / "b").mkdir(parents=True)
    (root / "a" / "program").write_text("x")
    (root / "a" / "program").chmod(0o755)
    (root / "a" / "b" / "file").write_text("x")
    (root / "a" / "gone").symlink_to("nowhere")
    return root


def modes(tree: Path) -> dict[str, int]:
    paths = [tree, *tree.rglob("*")]
    return {p.name: p.stat().st_mode & 0o777 for p in paths if not p.is_symlink()}


def test_a_frozen_tree_is_only_read(tree: Path) -> None:
    trees.freeze(tree)
    assert modes(tree) == {"tree": 0o500, "a": 0o555, "program": 0o555, "b": 0o555, "file": 0o444}


def test_a_frozen_tree_can_be_removed_by_its_owner(public_dir: Path, tree: Path) -> None:
    public_dir.chmod(0o777)

    def freeze_and_remove() -> bool:
        copy = public_dir / "copy"
        (copy / "below").mkdir(parents=True)
        (copy / "below" / "file").write_text("x")
        trees.freeze(copy)
        trees.remove(copy)
        return copy.exists()

    assert unprivileged(freeze_and_remove) is False
    trees.remove(tree)
    assert not tree.exists()
    # What is not there needs no removal.
    trees.remove(tree)

"""Trees of files that nobody is to change any more."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def freeze(root: Path) -> None:
    """Take away the permission to write; others than the owner may not enter."""
    for parent, _, names in os.walk(root, topdown=False):
        for name in names:
            path = Path(parent, name)
            if not path.is_symlink():
                path.chmod(path.stat().st_mode & 0o555)
        Path(parent).chmod(0o500 if parent == str(root) else 0o555)


def remove(tree: Path) -> None:
    """Remove a tree, frozen or not, as far as the disk lets us."""
    for parent, _, _ in os.walk(tree):
        Path(parent).chmod(0o700)
    shutil.rmtree(tree, ignore_errors=True)

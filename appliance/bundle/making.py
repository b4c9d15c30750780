"""Make a bundle of a checkout, or find the one that was made of just this checkout."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from appliance.bundle import wheels
from appliance.bundle.target import GLIBC, Target
from appliance.image import context, lock

INSTALLER = Path(__file__).with_name("installer.py")
# A date that a zip archive can hold, always the same one.
TIMESTAMP = (2001, 9, 9, 1, 46, 40)
DIGEST_CHARACTERS = 12
READABLE_BY_ALL = 0o644
KEPT = 3


def make(repository: Path, target: Target, directory: Path) -> Path:
    """Return the bundle of a checkout for a target; made only if it is not there yet.

    Args:
        repository: The checkout.
        target: For which hosts.
        directory: Where bundles are kept.

    Raises:
        OperatorError: The checkout is incomplete.
        WorldError: pip could not get or build a wheel.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory, prefix=".making.") as scratch:
        work = Path(scratch)
        context.stage_product(repository, work)
        requirements = (repository / "requirements.lock").read_text(encoding="utf-8")
        development = (repository / "requirements-dev.lock").read_text(encoding="utf-8")
        (work / "requirements.lock").write_text(requirements, encoding="utf-8")
        shutil.copyfile(INSTALLER, work / "__main__.py")
        context.freeze(work)
        version = _version(work / "source/appliance/__init__.py")
        name = f"{version}-{digest(work)}-{target.tag}"
        final = directory / f"zoe-{name}.pyz"
        if final.exists():
            final.touch()
            return final
        house = work / "wheels"
        shutil.copytree(
            _downloaded(requirements, target, directory, work), house, copy_function=os.link
        )
        own = wheels.build(work / "source", development, house)
        shutil.rmtree(work / "source")
        (work / "requirements.lock").write_text(requirements + wheels.pin(own), encoding="utf-8")
        manifest = {
            "name": name,
            "zoe": version,
            "prefect": lock.pins(requirements)["prefect"],
            "python": list(target.python),
            "machine": target.machine,
            "glibc": list(GLIBC),
        }
        (work / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        unfinished = work / final.name
        pack(work, unfinished)
        unfinished.replace(final)
    _forget_old(directory, target)
    return final


def _downloaded(requirements: str, target: Target, directory: Path, work: Path) -> Path:
    """Return the directory of the lock's wheels; they are fetched anew when the lock changes."""
    key = hashlib.sha256(requirements.encode()).hexdigest()[:DIGEST_CHARACTERS]
    kept = directory / f"wheels-{key}-{target.tag}"
    if not kept.exists():
        fetched = work / "fetched"
        fetched.mkdir()
        wheels.download(requirements, target, fetched)
        for old in directory.glob(f"wheels-*-{target.tag}"):
            shutil.rmtree(old)
        fetched.replace(kept)
    return kept


def digest(tree: Path) -> str:
    """Return what tells a tree of files from any other: names, contents, who may be executed."""
    sum_of_all = hashlib.sha256()
    for path in _files(tree):
        line = f"{path.relative_to(tree)}\0{os.access(path, os.X_OK)}\0"
        sum_of_all.update(line.encode() + hashlib.sha256(path.read_bytes()).digest())
    return sum_of_all.hexdigest()[:DIGEST_CHARACTERS]


def pack(tree: Path, archive: Path) -> None:
    """Write the parts of a bundle to a file that Python can run.

    Nothing is compressed, for wheels are, and nothing varies from one making to the next.
    """
    parts = ("__main__.py", "manifest.json", "requirements.lock", "wheels", "project")
    with zipfile.ZipFile(archive, "x") as out:
        for path in _files(tree):
            name = str(path.relative_to(tree))
            if name.partition("/")[0] in parts:
                info = zipfile.ZipInfo(name, TIMESTAMP)
                info.external_attr = path.stat().st_mode << 16
                out.writestr(info, path.read_bytes())
    archive.chmod(READABLE_BY_ALL)


def _files(tree: Path) -> Iterator[Path]:
    return iter(sorted(path for path in tree.rglob("*") if path.is_file()))


def _version(module: Path) -> str:
    found = re.search(r'^__version__ = "([^"]+)"', module.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise ValueError(f"{module} names no version")
    return found[1]


def _forget_old(directory: Path, target: Target) -> None:
    made = sorted(directory.glob(f"zoe-*-{target.tag}.pyz"), key=lambda path: path.stat().st_mtime)
    for path in made[:-KEPT]:
        path.unlink()

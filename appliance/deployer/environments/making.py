"""Make a Python environment: Zoe's own packages, shared, and beside them what lacks."""

from __future__ import annotations

import shutil
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from packaging.utils import canonicalize_name

from appliance import trees
from appliance.deployer.environments.demand import LOCK, Demand, logical_lines
from appliance.deployer.environments.own import Own
from appliance.deployer.environments.uv import Uv
from appliance.errors import WorldError
from appliance.files import PRIVATE_DIR_MODE, make_private_dir, sync_file_system

UNFINISHED = ".new-"
QUICK_SECONDS = 60.0
# Large packages over a slow line.
INSTALL_SECONDS = 1800.0
SITE_FILE = "zoe.pth"


def make(
    target: Path, demand: Demand, own: Own, beat: Callable[[], None], say: Callable[[str], None]
) -> None:
    """Make the environment at a path where none is; it appears whole or not at all.

    uv is shown the names and versions of Zoe's own packages as if they were installed, and bound
    to them: it asks no index for them, and installs only the rest. When it is done they come from
    where they are. All by one file `.pth`: whatever that directory has of its own kind counts, too.

    Args:
        target: The path.
        demand: What is asked for.
        own: What is there.
        beat: Called every few seconds meanwhile.
        say: Told how much was installed.

    Raises:
        WorldError: It cannot be made.
    """
    began = time.monotonic()
    try:
        make_private_dir(target.parent)
        clear(target.parent)
        scratch = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=target.parent))
        try:
            environment = scratch / "environment"
            packages = _make_in(scratch, environment, demand, own, beat)
            trees.freeze(environment)
            # It changes its parent, for which one must be allowed to write to it. (rename(2))
            environment.chmod(PRIVATE_DIR_MODE)
            sync_file_system(environment)
            environment.rename(target)
            target.chmod(PRIVATE_DIR_MODE & ~0o222)
        finally:
            trees.remove(scratch)
    except OSError as error:
        raise WorldError(f"{error.filename or target}: {error.strerror}") from None
    say(f"made the environment {target}: {packages} packages, {time.monotonic() - began:.1f} s")


def clear(directory: Path) -> None:
    """Remove what a deployer that was killed has left unfinished. There is one at a time."""
    for left in directory.glob(f"{UNFINISHED}*"):
        trees.remove(left)


def _make_in(
    scratch: Path, environment: Path, demand: Demand, own: Own, beat: Callable[[], None]
) -> int:
    uv, project = Uv(scratch / "cache", beat), demand.file.parent
    uv.run(
        *("venv", "--quiet", "--no-project", "--no-config", "--relocatable"),
        *("--python", sys.executable, str(environment)),
        seconds=QUICK_SECONDS,
        project=project,
    )
    # Relative to the interpreter: it is put elsewhere when it is done.
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(environment)}))
    constraints = scratch / "constraints.txt"
    constraints.write_text(
        "".join(f"{name}=={version}\n" for name, version in own.versions.items()), encoding="utf-8"
    )
    shown = [site / record.name for record in own.records]
    for record, copy in zip(own.records, shown, strict=True):
        copy.mkdir()
        shutil.copyfile(record / "METADATA", copy / "METADATA")
    requirements = demand.file
    if demand.file.name == LOCK:
        requirements = scratch / "locked.txt"
        requirements.write_text(_locked(uv, project, own), encoding="utf-8")
    uv.run(
        # Nobody may write there later, and without it each run would compile all that it imports.
        *("pip", "install", "--compile-bytecode", "--python", str(environment / "bin" / "python")),
        *("--requirements", str(requirements), "--constraints", str(constraints)),
        seconds=INSTALL_SECONDS,
        project=project,
    )
    for copy in shown:
        shutil.rmtree(copy)
    (site / SITE_FILE).write_text(
        "".join(f"import site; site.addsitedir({str(path)!r})\n" for path in own.directories),
        encoding="utf-8",
    )
    for script in (environment / "bin").glob("*activate*"):
        # For shells that somebody works in; they name a path that will not be.
        script.unlink()
    return len(list(site.glob("*.dist-info")))


def _locked(uv: Uv, project: Path, own: Own) -> str:
    """Return what the lock pins, with hashes; of Zoe's own packages the versions are Zoe's."""
    exported = uv.run(
        *("export", "--quiet", "--frozen", "--no-dev", "--no-emit-project", "--no-header"),
        *("--no-annotate", "--python", sys.executable),
        seconds=QUICK_SECONDS,
        project=project,
    )
    return "".join(
        f"{entry}\n" for _, entry in logical_lines(exported) if _name(entry) not in own.versions
    )


def _name(entry: str) -> str:
    return canonicalize_name(entry.partition("==")[0].partition("[")[0].partition(" ")[0])

"""What runs when a host's Python runs a bundle: it installs itself, offline.

    python3 zoe-….pyz check                          # does it fit this host?
    python3 zoe-….pyz install --user zoe /opt/zoe    # makes /opt/zoe/versions/<name>

This file is the bundle's `__main__`: it stands alone, on the standard library. A version that is
whole has the file `installed.json`; what lacks it was cut short, and is made anew.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import pwd
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

MARK = "installed.json"
USAGE_EXIT_CODE = 2
LAST_LINES = 5
# Of this process' environment the installed programs get nothing but these.
PASSED_ON = ("PATH", "LANG", "TZ")
# One of them may be written by everybody.
LEFT_BY_UV = (".lock", ".gitignore", "CACHEDIR.TAG")
DIRECTORY_MODE = 0o755
EXECUTABLE_MODE = 0o755


class RefusalError(Exception):
    """This host and this bundle do not go together, or a step failed."""

    def __init__(self, line: str, exit_code: int = 1) -> None:
        super().__init__(line)
        self.exit_code = exit_code


def main() -> int:
    """Carry out the command line; return the exit code."""
    given = _parser().parse_args()
    with zipfile.ZipFile(sys.argv[0]) as bundle:
        manifest = json.loads(bundle.read("manifest.json"))
        try:
            check(manifest, sys.version_info[:2], platform.machine(), glibc())
            if given.verb == "install":
                install(bundle, manifest, given.root, given.user)
        except RefusalError as refusal:
            sys.stderr.write(f"{Path(sys.argv[0]).name}: {refusal}\n")
            return refusal.exit_code
    return 0


def check(
    manifest: dict[str, Any], python: tuple[int, ...], machine: str, libc: tuple[int, ...]
) -> None:
    """Refuse a host for which the wheels were not made.

    Args:
        manifest: What the bundle says about itself.
        python: The host's Python, by major and minor version.
        machine: The host's processor.
        libc: The version of the host's glibc; empty where it has another C library.

    Raises:
        RefusalError: It does not fit.
    """
    wanted = tuple(manifest["python"])
    if python != wanted:
        raise RefusalError(
            f"it is for Python {_dotted(wanted)}, and this is {_dotted(python)}; make one with "
            f"--python {_dotted(python)}",
            USAGE_EXIT_CODE,
        )
    if machine != manifest["machine"]:
        raise RefusalError(
            f"it is for {manifest['machine']}, and this machine is {machine}; make one with "
            f"--machine {machine}",
            USAGE_EXIT_CODE,
        )
    oldest = tuple(manifest["glibc"])
    if libc < oldest:
        here = f"glibc {_dotted(libc)}" if libc else "no glibc"
        raise RefusalError(
            f"it needs glibc {_dotted(oldest)}, and here is {here}; use a newer system",
            USAGE_EXIT_CODE,
        )


def install(bundle: zipfile.ZipFile, manifest: dict[str, Any], root: Path, user: str) -> None:
    """Make the version that the bundle holds, unless it is there already.

    Args:
        bundle: The open bundle.
        manifest: What it says about itself.
        root: Below which `versions` lies.
        user: Who makes the databases that a first start copies; PostgreSQL wants no root.

    Raises:
        RefusalError: A step failed; what it left is no version.
    """
    home = root / "versions" / manifest["name"]
    if (home / MARK).exists():
        return
    shutil.rmtree(home, ignore_errors=True)
    os.umask(0o022)
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root, prefix=".install.") as scratch:
        parts = Path(scratch)
        bundle.extractall(parts)
        make_environment(parts, home)
    for name in bundle.namelist():
        if name.startswith("project/"):
            bundle.extract(name, home)
    make_templates(home, user)
    unfinished = home / f".{MARK}"
    unfinished.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    os.sync()
    unfinished.replace(home / MARK)


def make_environment(parts: Path, home: Path) -> None:
    """Make the Python environment `home` of the wheels, each of them checked by its hash."""
    uv = _unpacked_uv(parts)
    options = ["--quiet", "--offline", "--no-config", "--no-cache"]
    run([uv, "venv", *options, "--no-project", "--python", sys.executable, home], parts)
    run(
        [
            uv, "pip", "install", *options, "--python", home / "bin" / "python",
            "--no-index", "--find-links", parts / "wheels", "--no-deps", "--require-hashes",
            "--link-mode", "copy", "--compile-bytecode", "-r", parts / "requirements.lock",
        ],
        parts,
    )  # fmt: skip
    for name in LEFT_BY_UV:
        (home / name).unlink(missing_ok=True)


def make_templates(home: Path, user: str) -> None:
    """Make, as `user`, what a first start would otherwise spend its time on."""
    account = pwd.getpwnam(user)
    python = home / "bin" / "python"
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        if os.geteuid() == 0:
            os.chown(work, account.pw_uid, account.pw_gid)
        made = work / "templates"
        for command in (
            [python, "-P", "-m", "appliance.database.templates", "build", made],
            [python, "-P", "-m", "appliance.server.ui", made],
        ):
            run(command, work, account)
        shutil.copytree(made, home / "templates", copy_function=shutil.copyfile)
    for directory in (home / "templates", *(home / "templates").rglob("*/")):
        directory.chmod(DIRECTORY_MODE)


def run(command: list[Any], directory: Path, account: pwd.struct_passwd | None = None) -> None:
    """Run a step in `directory`, as another user if we may.

    Raises:
        RefusalError: It failed; its last lines are in the message.
    """
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    environment |= {"HOME": str(directory), "ZOE_RUNTIME_DIR": str(directory / "run")}
    other: dict[str, Any] = {}
    if account is not None and os.geteuid() == 0:
        other = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        **other,
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()[-LAST_LINES:]
        step = " ".join(Path(str(word)).name for word in command[:3])
        raise RefusalError(f"{step} failed: {' '.join(said) or f'exit code {done.returncode}'}")


def glibc() -> tuple[int, ...]:
    """Return the version of this system's glibc; empty where it has another C library."""
    try:
        words = (os.confstr("CS_GNU_LIBC_VERSION") or "").split()
    except (ValueError, OSError):
        return ()
    return tuple(int(part) for part in words[1].split(".")[:2]) if len(words) > 1 else ()


def _unpacked_uv(parts: Path) -> Path:
    (wheel,) = (parts / "wheels").glob("uv-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/scripts/uv"))
        uv = Path(archive.extract(name, parts))
    uv.chmod(EXECUTABLE_MODE)
    return uv


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Zoe for hosts without a network.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("check", help="say whether this host can take it")
    installing = verbs.add_parser("install", help="make a version below ROOT/versions")
    installing.add_argument("--user", required=True, help="who will run it")
    installing.add_argument("root", type=Path, metavar="ROOT")
    return parser


if __name__ == "__main__":
    sys.exit(main())

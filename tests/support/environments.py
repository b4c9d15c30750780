"""Python environments as users make them, for the interpreter of the image."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.container import IMAGE


def make(root: Path, inside: Path, requirements: Path) -> Path:
    """Make an environment on this machine that works where a container sees it.

    Args:
        root: Its directory, which does not exist yet.
        inside: The directory's path in the container.
        requirements: What to install: a lock with hashes.

    Returns:
        The path of its interpreter in the container.
    """
    facts = "import sys; print('{}.{}'.format(*sys.version_info)); print(sys._base_executable)"
    version, base = subprocess.run(
        ["docker", "run", "--rm", "--entrypoint=python", IMAGE, "-c", facts],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    packages = root / "lib" / f"python{version}" / "site-packages"
    packages.mkdir(parents=True)
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--require-hashes"]
    command += [
        f"--target={packages}",
        f"--python-version={version}",
        f"--requirement={requirements}",
    ]
    subprocess.run(command, check=True, stdout=sys.stderr)
    (root / "pyvenv.cfg").write_text(f"home = {Path(base).parent}\n", encoding="utf-8")
    python = Path("bin") / "python"
    (root / python).parent.mkdir()
    (root / python).symlink_to(base)
    return inside / python

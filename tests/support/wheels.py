"""Wheels made on the spot, for tests that install without an index."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path


def make(
    directory: Path, name: str, version: str, requires: Sequence[str] = (), script: str = ""
) -> str:
    """Make a wheel with a module of its name, which has its version in `VERSION`.

    Args:
        directory: Where to put it.
        name: The distribution's name, and the module's.
        version: Its version.
        requires: What it requires (PEP 508).
        script: The name of a program that prints the version.

    Returns:
        The file's digest, as a lock has it.
    """
    records = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": f"VERSION = {version!r}\n\ndef main():\n    print(VERSION)\n",
        f"{records}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        + "".join(f"Requires-Dist: {one}\n" for one in requires),
        f"{records}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if script:
        files[f"{records}/entry_points.txt"] = f"[console_scripts]\n{script} = {name}:main\n"
    record = f"{records}/RECORD"
    files[record] = "".join(f"{file},,\n" for file in [*files, record])
    wheel = directory / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for file, content in files.items():
            # The time is fixed, so that equal wheels have equal digests.
            archive.writestr(zipfile.ZipInfo(file), content)
    return f"sha256:{sha256(wheel.read_bytes()).hexdigest()}"

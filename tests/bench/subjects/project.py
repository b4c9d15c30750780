"""The bench's flows in a volume, so that the Docker daemon need not share our file system."""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.bench.subjects.subject import PROJECT, THE_IMAGE
from tests.support.container import volume

SOURCES = Path(__file__).parent.parent / "project"
UNPACK = "import sys, tarfile; tarfile.open(fileobj=sys.stdin.buffer, mode='r|').extractall('{}')"


@contextmanager
def flows_volume() -> Iterator[str]:
    """Make a volume that holds the flows; remove it afterwards."""
    with volume() as name:
        files = {
            source.name: source.read_text(encoding="utf-8")
            for source in SOURCES.iterdir()
            if source.suffix == ".py"
        }
        put(name, {**files, "none/.keep": ""})
        yield name


def put(name: str, files: Mapping[str, str]) -> None:
    """Write files into a volume."""
    subprocess.run(
        [
            *("docker", "run", "--rm", "--interactive", "--user=0", "--no-healthcheck"),
            *(f"--volume={name}:{PROJECT}", "--entrypoint=python3", THE_IMAGE),
            *("-c", UNPACK.format(PROJECT)),
        ],
        input=archive(files),
        check=True,
        capture_output=True,
    )


def archive(files: Mapping[str, str]) -> bytes:
    """Return an archive of text files that everybody may read."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, text in files.items():
            content = text.encode()
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def hundred(count: int) -> dict[str, str]:
    """Return a project of many flows, each in a file of its own, and its catalogue by itself.

    Prefect's own form, which both sides read: the file's paths are relative to the project.
    """
    flows = {
        f"many/flows/flow_{number:03}.py": FLOW.format(number=number) for number in range(count)
    }
    lines = ["pull:", "  - prefect.deployments.steps.set_working_directory:"]
    lines += [f"      directory: {PROJECT}/many", "deployments:"]
    for number in range(count):
        lines += [
            f"  - name: deployment-{number:03}",
            f"    entrypoint: flows/flow_{number:03}.py:flow_{number:03}",
            "    work_pool:",
            "      name: default",
        ]
    return {**flows, CATALOGUE: "\n".join(lines) + "\n"}


CATALOGUE = "many/deployments/all.yaml"
FLOW = """from prefect import flow


@flow
def flow_{number:03}(name: str = "world", times: int = 1) -> str:
    \"\"\"Say hello.\"\"\"
    return f"Hello, {{name}}!" * times
"""

"""An S3 server on this machine: moto's, over real HTTP, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from appliance.settings import Settings
from tests.unit.support import free_port, make_settings, wait_until


@contextmanager
def s3_server(log: Path) -> Iterator[str]:
    """Serve S3 with one bucket named `backups`; yield the address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with (
        log.open("wb") as output,
        subprocess.Popen(command, stdout=output, stderr=output) as server,
    ):
        try:
            wait_until(lambda: _answers(server, url, log), "the S3 server answers", 120)
            httpx.put(f"{url}/backups").raise_for_status()
            yield url
        finally:
            server.terminate()


def bucket_settings(url: str, place: str = "s3://backups/zoe", **values: Any) -> Settings:
    return make_settings(
        backup_target=place,
        backup_s3_endpoint=url,
        backup_s3_access_key="an-access-key",
        backup_s3_secret_key="a-secret-key",
        **values,
    )


def _answers(server: subprocess.Popen[bytes], url: str, log: Path) -> bool:
    if server.poll() is not None:
        raise AssertionError(f"the S3 server ended: {log.read_text()}")
    try:
        return httpx.get(url, timeout=5).is_success
    except httpx.TransportError:
        return False

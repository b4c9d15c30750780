"""Where it was measured, for who compares figures of two machines."""

from __future__ import annotations

import json
import os
from typing import Any

from tests.support.container import IMAGE, docker

ASK = (
    "import json, platform, importlib.metadata as m; "
    "print(json.dumps({'prefect': m.version('prefect'), 'python': platform.python_version()}))"
)


def describe() -> dict[str, Any]:
    """Return cores, what keeps them busy already, and what is in the image."""
    load = round(os.getloadavg()[0], 1)
    words = ("run", "--rm", "--no-healthcheck", "--entrypoint=python3", IMAGE, "-c", ASK)
    versions: dict[str, Any] = json.loads(docker(*words).stdout)
    image = docker("image", "inspect", "--format", "{{.Id}}", IMAGE).stdout.strip()
    return {"cores": os.cpu_count(), "load": load, "image": image, **versions}

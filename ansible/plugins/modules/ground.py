#!/usr/bin/python
"""Look at what Zoe will stand on, on the host itself, and change nothing."""

from __future__ import annotations

import json
import os
import platform
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any, Iterator  # noqa: UP035 - any Python that Ansible runs on a host takes this

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
---
module: ground
short_description: Look at what Zoe will stand on
description:
  - Finds a Python for Zoe and looks at disk, memory, port and what of Zoe there is already.
  - It changes nothing. What keeps Zoe from being installed is told in C(refusals), a line each.
version_added: 0.1.0
author:
  - The Zoe project
options:
  python:
    description:
      - The interpreter to use, by its path or name. Left out, the newest of 3.11 to 3.13.
    type: str
    default: ""
  port:
    description: The port that must be free, or be Zoe's own already. 0 where no server is to run.
    type: int
    default: 0
  host:
    description: The address on which the server is to listen.
    type: str
    default: 0.0.0.0
  data_dir:
    description: Zoe's data directory.
    type: path
    default: /var/lib/zoe
  free_mb:
    description: How many megabytes must be free below C(/opt) and for the data.
    type: int
    default: 1500
  memory_mb:
    description: How many megabytes of memory the machine must have.
    type: int
    default: 900
attributes:
  check_mode:
    support: full
    description: It never changes anything.
"""

EXAMPLES = r"""
- name: Look at the ground
  zoe.prefect.ground:
    port: 4200
  register: ground
"""

RETURN = r"""
python:
  description: The interpreter that was found; empty without one.
  returned: always
  type: str
python_version:
  description: Its major and minor version.
  returned: always
  type: str
machine:
  description: The processor, as C(platform.machine) tells it.
  returned: always
  type: str
versions:
  description: The versions of Zoe that are installed and whole.
  returned: always
  type: list
  elements: str
running:
  description: Whether Zoe runs.
  returned: always
  type: bool
service_manager:
  description: Whether the machine was started by C(systemd), or has only C(sysvinit) scripts.
  returned: always
  type: str
refusals:
  description: What keeps Zoe from being installed here, a line each.
  returned: always
  type: list
  elements: str
"""

NAMES = ("python3.13", "python3.12", "python3.11", "python3")
VERSIONS = ("3.11", "3.12", "3.13")
ROOT = Path("/opt/zoe")
RUNTIME = Path("/run/zoe")
ANYWHERE = "0.0.0.0"  # noqa: S104 - Zoe's own default, which is only tried here
MEGABYTE = 1_000_000
WAIT_SECONDS = 20


def version_of(python: str) -> str | None:
    """Return major and minor version of an interpreter that has the module venv; else None."""
    code = "import sys, venv; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run(
            [python, "-I", "-c", code],
            capture_output=True,
            text=True,
            check=False,
            timeout=WAIT_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


def find_python(wanted: str) -> tuple[str, str, str]:
    """Return path and version of the interpreter to use; where there is none, the refusal."""
    for name in [wanted] if wanted else NAMES:
        path = shutil.which(name)
        version = version_of(path) if path else None
        if path and version in VERSIONS:
            return path, version or "", ""
    if wanted:
        return "", "", f"{wanted} is no Python 3.11, 3.12 or 3.13 here; mend or unset zoe_python"
    is_red_hat = Path("/etc/redhat-release").exists()
    advice = "dnf install python3.11" if is_red_hat else "apt-get install python3"
    return "", "", f"there is no Python 3.11, 3.12 or 3.13 here; {advice}, or set zoe_python"


def runs() -> bool:
    """Tell whether Zoe's supervisor is alive."""
    try:
        pid = int((RUNTIME / "supervisord.pid").read_text(encoding="utf-8"))
        return b"appliance.supervisor" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return False


def own_port() -> int | None:
    """Return the port of the Zoe that was started here last; None without one."""
    try:
        plan = json.loads((RUNTIME / "plan.json").read_text(encoding="utf-8"))
        return int(plan["server"]["port"])
    except (OSError, ValueError, KeyError):
        return None


def refuse_port(host: str, port: int) -> str:
    """Return why the server could not listen there; empty if it could."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return (
                f"cannot listen on {host} port {port}: {error.strerror}; stop what uses it, or set "
                "zoe_port"
            )
    return ""


def free_mb(path: Path) -> int:
    """Return the megabytes that are free where `path` is, or will be."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free // MEGABYTE


def memory_mb() -> int:
    """Return the megabytes of memory of this machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // MEGABYTE


def too_small(parameters: dict[str, Any]) -> Iterator[str]:
    """Yield what there is too little of."""
    wanted = parameters["free_mb"]
    for path in sorted({ROOT, Path(parameters["data_dir"])}):
        found = free_mb(path)
        if found < wanted:
            yield (
                f"only {found} MB are free for {path}, and {wanted} are wanted; make room, or set "
                "zoe_min_free_mb"
            )
    found, wanted = memory_mb(), parameters["memory_mb"]
    if found < wanted:
        yield (
            f"the machine has {found} MB of memory, and {wanted} are wanted; give it more, or set "
            "zoe_min_memory_mb"
        )


def look(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return what the machine is like, and what speaks against it."""
    python, version, refusal = find_python(parameters["python"])
    refusals = [refusal]
    running = runs()
    port = parameters["port"]
    if port and not (running and own_port() == port):
        refusals.append(refuse_port(parameters["host"], port))
    versions = sorted(path.parent.name for path in ROOT.glob("versions/*/installed.json"))
    if not versions:
        refusals += too_small(parameters)
    is_systemd = Path("/run/systemd/system").is_dir()
    if not is_systemd and shutil.which("start-stop-daemon") is None:
        refusals.append("there is neither systemd nor start-stop-daemon to keep Zoe running")
    return {
        "python": python,
        "python_version": version,
        "machine": platform.machine(),
        "versions": versions,
        "running": running,
        "service_manager": "systemd" if is_systemd else "sysvinit",
        "refusals": [line for line in refusals if line],
    }


def main() -> None:
    """Look, and tell."""
    module = AnsibleModule(
        argument_spec={
            "python": {"type": "str", "default": ""},
            "port": {"type": "int", "default": 0},
            "host": {"type": "str", "default": ANYWHERE},
            "data_dir": {"type": "path", "default": "/var/lib/zoe"},
            "free_mb": {"type": "int", "default": 1500},
            "memory_mb": {"type": "int", "default": 900},
        },
        supports_check_mode=True,
    )
    module.exit_json(changed=False, **look(module.params))


if __name__ == "__main__":
    main()

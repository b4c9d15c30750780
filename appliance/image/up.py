"""The verb `up`: from whatever is there to a healthy container of the current image."""

from __future__ import annotations

import json
import os
import subprocess
import time
from typing import Any

from appliance.errors import FAILURE_EXIT_CODE, OperatorError, WorldError
from appliance.image import docker
from appliance.image.build import build
from appliance.image.console import complain, say, seconds
from appliance.image.container import DIGEST_LABEL, NAME, VOLUME, Wanted, wanted

HEALTHY_SECONDS = 300
POLL_SECONDS = 0.5
LAST_LINES = 15


def up(image: str) -> None:
    """Build what changed, start what changed, wait until it is healthy, and say where it is.

    Args:
        image: The image's name.

    Raises:
        OperatorError: The port is taken, or a setting is wrong.
        WorldError: It could not be built or does not become healthy.
    """
    build(image)
    began = time.monotonic()
    image_id = docker.image_id(image)
    if image_id is None:
        raise WorldError(f"Docker does not know the image {image}")
    target = wanted(image_id, os.environ)
    _bring_about(target)
    status = _wait_until_healthy()
    say(f"healthy after {seconds(time.monotonic() - began)}")
    say("")
    for line in summary(status, target.port):
        say(line)


def summary(status: dict[str, Any], port: int) -> list[str]:
    """Return what a person needs now.

    Args:
        status: `zoe status --json` of the container.
        port: The port on this machine.
    """
    scheme = status["url"].partition(":")[0]
    inside = status["url"].endswith(":4200")
    lines = [f"Zoe {status['versions']['zoe']}, Prefect {status['versions']['prefect']}"]
    lines.append(f"  address   {f'{scheme}://localhost:{port}' if inside else status['url']}")
    if status["user"]:
        lines.append(f"  user      {status['user']}")
    if status["password_file"]:
        lines.append(f"  password  docker exec {NAME} cat {status['password_file']}")
    deployer = status["deployer"] or {"deployments": [], "problems": []}
    lines += ["", f"{len(deployer['deployments'])} deployments:"]
    lines += [f"  {name}" for name in deployer["deployments"]]
    lines += [f"  PROBLEM {problem}" for problem in deployer["problems"]]
    lines += ["", f"More: docker exec {NAME} zoe status; docker logs -f {NAME}; make down"]
    return lines


def _bring_about(target: Wanted) -> None:
    found = _inspect()
    if found is None:
        _run(target)
        return
    started_with = (found["Config"]["Labels"] or {}).get(DIGEST_LABEL)
    if started_with is None:
        raise OperatorError(
            f"there is a container {NAME} that `make up` did not make",
            where="docker ps --all",
            remedy=f"rename or remove it: docker rename {NAME} another",
        )
    if started_with != target.digest():
        say(f"container {NAME} differs from what is wanted now: replacing it, its volume stays")
        docker.command("stop", NAME, limit=target.stop_seconds + docker.ANSWER_SECONDS)
        docker.command("rm", NAME)
        _run(target)
    elif not found["State"]["Running"]:
        say(f"starting the container {NAME}")
        docker.command("start", NAME)
    else:
        say(f"container {NAME} runs already, as wanted")


def _run(target: Wanted) -> None:
    say(f"starting the container {NAME} with the volume {VOLUME} on port {target.port}")
    done = subprocess.run(target.run_command(), capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return
    docker.command("rm", "--force", NAME)
    words = " ".join(done.stderr.split())
    if "already allocated" in words or "address already in use" in words:
        raise OperatorError(
            f"port {target.port} of this machine is taken",
            where="ZOE_PORT",
            remedy="stop what uses it, or take another: make up ZOE_PORT=4300",
        )
    raise WorldError(f"Docker could not start the container: {words}")


def _inspect() -> dict[str, Any] | None:
    answer = docker.command("container", "inspect", NAME)
    if answer.returncode:
        return None
    found: dict[str, Any] = json.loads(answer.stdout)[0]
    return found


def _wait_until_healthy() -> dict[str, Any]:
    deadline = time.monotonic() + HEALTHY_SECONDS
    last_said = ""
    while time.monotonic() < deadline:
        state = (_inspect() or {}).get("State", {})
        if not state.get("Running") or state.get("Restarting"):
            raise _ended(int(state.get("ExitCode", FAILURE_EXIT_CODE)))
        complaint = docker.command("exec", NAME, "zoe", "health", "--quiet")
        if complaint.returncode == 0:
            answer = docker.command("exec", NAME, "zoe", "status", "--json")
            status: dict[str, Any] = json.loads(answer.stdout)
            return status
        waiting_for = _first_word_on(complaint.stderr)
        if waiting_for and waiting_for != last_said:
            say(f"  {waiting_for}")
            last_said = waiting_for
        time.sleep(POLL_SECONDS)
    raise WorldError(
        f"the container is not healthy after {HEALTHY_SECONDS} s: {last_said}",
        remedy=f"see docker logs {NAME}",
    )


def _first_word_on(stderr: str) -> str:
    """Return the program that is being waited for: the first one that is not ready."""
    first = stderr.strip().partition("\n")[0]
    program, separator, _ = first.partition(":")
    return f"waiting for the {program}" if separator else ""


def _ended(exit_code: int) -> WorldError:
    """Show the last words of a container that ended by itself, and leave none behind."""
    log = docker.command("logs", "--tail", str(LAST_LINES), NAME)
    docker.command("rm", "--force", NAME)
    said = [line for line in (log.stdout + log.stderr).splitlines() if line.strip()]
    refusals = [line for line in said if line.startswith("zoe: ")]
    if exit_code == OperatorError.exit_code and refusals:
        raise OperatorError(refusals[-1].removeprefix("zoe: "))
    complain("\n".join(said))
    return WorldError(f"the container ended with exit code {exit_code}; its last lines are above")

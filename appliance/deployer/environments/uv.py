"""Run uv, with a limit, signs of life meanwhile, and an error in one line."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from uv import find_uv_bin

from appliance import tied
from appliance.deployer import attended
from appliance.errors import WorldError
from appliance.settings.model import ENV_PREFIX

# An operator's variables reach uv: indexes, wheelhouses, credentials, certificates. Not those that
# say for which Python it works, and where: that is ours to say. (uv's manual, "Environment".)
OURS = re.compile(
    "UV_(PYTHON.*|SYSTEM_PYTHON|MANAGED_PYTHON|NO_MANAGED_PYTHON|BREAK_SYSTEM_PACKAGES"
    "|CACHE_DIR|NO_CACHE|PROJECT.*|WORKING_DIR.*|VENV_.*|LINK_MODE)|VIRTUAL_ENV|CONDA_.*|PYTHON.*"
)
SECRET = re.compile("UV_.*(PASSWORD|TOKEN|USERNAME)")
LONGEST = 700


@dataclass(frozen=True)
class Uv:
    """uv, with all that it keeps in one directory.

    Attributes:
        directory: Where it keeps what it has fetched and built.
        beat: Called every few seconds while it works.
    """

    directory: Path
    beat: Callable[[], None]

    def run(self, *arguments: str, seconds: float, project: Path) -> str:
        """Run one command and return what it printed, to standard error for the most part.

        Args:
            arguments: The command and its arguments; they hold no secret.
            seconds: After so many it is ended.
            project: The current directory, to which paths in a project's files are relative.

        Raises:
            WorldError: It failed.
        """
        try:
            process = tied.popen(
                [find_uv_bin(), "--no-progress", "--color=never", *arguments],
                cwd=project,
                env=environment(os.environ, self.directory),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except FileNotFoundError:
            raise WorldError("there is no uv on this machine", remedy="install uv") from None
        try:
            output, errors = attended.output_of(process, seconds, self.beat)
        except TimeoutError:
            raise WorldError(f"uv has not done it within {seconds:g} s") from None
        said = errors.decode("utf-8", "replace")
        if process.returncode:
            raise WorldError(reason(said, os.environ))
        return output.decode("utf-8", "replace") + said


def environment(given: Mapping[str, str], directory: Path) -> dict[str, str]:
    """Return what uv has in its environment.

    Args:
        given: What we have in ours.
        directory: See `Uv`.
    """
    passed = {
        name: value
        for name, value in given.items()
        if not name.startswith((ENV_PREFIX, "PREFECT_")) and not OURS.fullmatch(name)
    }
    return {**passed, "UV_CACHE_DIR": str(directory), "UV_PYTHON_DOWNLOADS": "never"}


def reason(said: str, given: Mapping[str, str]) -> str:
    """Return in one line why uv has failed, without a secret.

    Args:
        said: What it printed.
        given: Its environment.
    """
    _, _, after = f"\n{said}".rpartition("\nerror: ")
    words = " ".join((after or said).split())
    words = re.sub(r"(?<=\s)cause: ", "", words)
    for name, value in given.items():
        if SECRET.fullmatch(name) and value:
            words = words.replace(value, "****")
    words = re.sub(r"(?<=://)[^/\s@]*@", "****@", words)
    if len(words) > LONGEST:
        words = f"{words[:LONGEST]} …"
    return f"uv cannot install what it asks for: {words or 'no word'}"

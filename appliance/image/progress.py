"""Making sense of what `docker build` writes, of either builder."""

from __future__ import annotations

import re

from appliance.errors import OperatorError, WorldError, ZoeError
from appliance.image.console import Step

_CLASSIC = re.compile(r"^Step \d+/\d+ : FROM \S+(?: AS (\S+))?", re.IGNORECASE)
_BUILDKIT = re.compile(r"^#\d+ \[(?:(\S+) +)?\d+/\d+\] (?:FROM|RUN|COPY|WORKDIR)")
FINAL = "image"
STAGES = {
    "tools": "Debian packages to take files from",
    "venv": "Python packages of the lock",
    "package": "Zoe's own package",
    "system": "Debian packages that run",
    "runtime": "flattening",
    "templates": "database templates",
    FINAL: "the rest",
}

_UNREACHABLE = (
    "Temporary failure in name resolution",
    "Temporary failure resolving",
    "Could not resolve",
    "Name or service not known",
    "Connection refused",
    "Connection timed out",
    "Network is unreachable",
    "NewConnectionError",
    "ConnectTimeoutError",
    "ProxyError",
    "Cannot connect to proxy",
)

# What in a log tells the reason, and what to do about it; the first that matches counts.
_CAUSES: tuple[tuple[str, type[ZoeError], str, str], ...] = (
    (
        r"CERTIFICATE_VERIFY_FAILED|certificate verify failed|SSLCertVerificationError",
        OperatorError,
        "the build does not trust the certificate of a package index",
        "set PIP_CERT to the bundle that has your proxy's CA",
    ),
    (
        r"DO NOT MATCH THE HASHES",
        OperatorError,
        "the package index serves a file that the lock does not know",
        "check index-url, or run make lock",
    ),
    (
        r"No space left on device",
        WorldError,
        "the disk of the Docker daemon is full",
        "free some (docker system df, docker image prune)",
    ),
    (
        "|".join(_UNREACHABLE),
        WorldError,
        "a package index cannot be reached from the build",
        "check the network, and index-url and proxy of pip (docs/reference/image.md)",
    ),
    (
        r"No matching distribution found",
        OperatorError,
        "the package index lacks a package of the lock, or does not answer",
        "check index-url, no-index and find-links of pip",
    ),
)


def stage_of(line: str) -> str | None:
    """Return the stage that a line of the build's output belongs to, if it begins or names one."""
    for pattern in (_CLASSIC, _BUILDKIT):
        match = pattern.match(line)
        if match:
            return match[1] or FINAL
    return None


class Stages:
    """Says which stage is being built, each once, and how long it took."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._line: Step | None = None

    def feed(self, line: str) -> None:
        """Take one line of the build's output."""
        stage = stage_of(line)
        if stage and stage not in self._seen:
            self.end()
            self._seen.add(stage)
            self._line = Step(f"  {STAGES.get(stage, stage)}")

    def end(self, outcome: str = "") -> None:
        """Finish the line about the stage that is being built."""
        if self._line:
            self._line.end(outcome)
            self._line = None


def diagnose(log: str, where: str) -> ZoeError:
    """Say in one line why a build failed.

    Args:
        log: Everything that the build wrote.
        where: The name of the file that has it.
    """
    for pattern, kind, what, remedy in _CAUSES:
        if re.search(pattern, log, re.IGNORECASE):
            return kind(what, where=where, remedy=remedy)
    return WorldError("the build of the image failed", where=where, remedy="see the lines above")

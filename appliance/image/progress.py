"""Making sense of what `docker build` writes, of either builder."""

from __future__ import annotations

import re
import time

from appliance.errors import OperatorError, WorldError, ZoeError
from appliance.image.console import say, seconds

_CLASSIC = re.compile(r"^Step \d+/\d+ : FROM \S+(?: AS (\S+))?", re.IGNORECASE)
_BUILDKIT = re.compile(r"^#\d+ \[(?:(\S+) +)?\d+/\d+\] (?:FROM|RUN|COPY|WORKDIR)")
FINAL = "image"

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
        "the package index lacks a package of the lock",
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
        self._current = ""
        self._began = 0.0

    def feed(self, line: str) -> None:
        """Take one line of the build's output."""
        stage = stage_of(line)
        if stage and stage not in self._seen:
            self.close()
            self._seen.add(stage)
            self._current = stage
            self._began = time.monotonic()

    def close(self) -> None:
        """Report on the stage that was last."""
        if self._current:
            say(f"  {self._current}: {seconds(time.monotonic() - self._began)}")
            self._current = ""


def diagnose(log: str, where: str) -> ZoeError:
    """Say in one line why a build failed.

    Args:
        log: Everything that the build wrote.
        where: The name of the file that has it.
    """
    for pattern, kind, what, remedy in _CAUSES:
        if re.search(pattern, log):
            return kind(what, where=where, remedy=remedy)
    return WorldError("the build of the image failed", where=where, remedy="see the lines above")

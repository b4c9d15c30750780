"""What flows have said of themselves, kept for the next command: to ask them takes seconds.

A description is good for as long as all that it was made from is as it was: the files of the
project, the modules that the flow has loaded from anywhere, the directories that are searched for
modules, and the environment. What has failed is not kept, for its cause may lie elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from appliance.deployer.inspection import FlowDescription, Inspected, key_of, seen_by_flows
from appliance.files import read_json, write_json

Parameters = Mapping[str, Sequence[Mapping[str, Any]]]
"""By entrypoint, the parameters of its deployments."""

# Set anew by each shell and each program that starts one; no flow is described by them.
PASSING = ("SUPERVISOR_", "SSH_", "OLDPWD", "PWD", "SHLVL", "TERM", "COLUMNS", "LINES", "_")
# A file that was written as the flow was loaded may be one that it has not seen.
LATEST_SECONDS = 1.0
# Of one project, the one of the deployer, that of `zoe deploy`, and a guest.
ENVIRONMENTS = 3

Signature = list[int]
"""Time of change in nanoseconds, and size."""


class Descriptions:
    """The descriptions of all projects.

    Args:
        path: Where they are kept (JSON); nowhere when left out.
        environ: The environment.
    """

    def __init__(self, path: Path | None = None, environ: Mapping[str, str] = os.environ) -> None:
        self._path = path
        self._environ = environ

    def complete(
        self,
        root: Path,
        fingerprint: str,
        wanted: Parameters,
        inspect: Callable[[Parameters], dict[str, Inspected]],
    ) -> dict[str, Inspected]:
        """Return a description of each flow; ask those of which none is known that is still good.

        Args:
            root: The project's directory.
            fingerprint: What differs once the project does.
            wanted: Which flows, and the parameters that they are to be asked about.
            inspect: Asks them.
        """
        known, signatures = self._known(root, fingerprint)
        missing = {
            entrypoint: given
            for entrypoint, given in wanted.items()
            if entrypoint not in known
            or not set(map(key_of, given)) <= known[entrypoint].mistakes.keys()
        }
        still = {entrypoint: one for entrypoint, one in known.items() if entrypoint not in missing}
        told: dict[str, Inspected] = {}
        if missing:
            began = time.time()
            told = inspect(missing)
            fresh = {
                entrypoint: one
                for entrypoint, one in told.items()
                if isinstance(one, FlowDescription)
            }
            # What was seen before stays as it was seen, or a change since then would be missed.
            seen = {**_settled(fresh.values(), began), **signatures}
            self._keep(root, fingerprint, {**still, **fresh}, seen)
        return {entrypoint: told.get(entrypoint) or still[entrypoint] for entrypoint in wanted}

    def _known(
        self, root: Path, fingerprint: str
    ) -> tuple[dict[str, FlowDescription], dict[str, Signature]]:
        """Return what is kept and still good, and the signatures of what it was made from."""
        if self._path is None:
            return {}, {}
        kept = (read_json(self._path) or {}).get(self._key(root))
        try:
            if kept is None or kept["fingerprint"] != fingerprint:
                return {}, {}
            same = {
                path: signature
                for path, signature in kept["signatures"].items()
                if _signature(path) == signature
            }
            flows = {
                entrypoint: FlowDescription(**{**one, "sources": tuple(one["sources"])})
                for entrypoint, one in kept["flows"].items()
                if same.keys() >= set(one["sources"])
            }
        except (KeyError, TypeError, AttributeError):
            # Written by another version of ours.
            return {}, {}
        return flows, same

    def _keep(
        self,
        root: Path,
        fingerprint: str,
        flows: Mapping[str, FlowDescription],
        signatures: Mapping[str, Signature],
    ) -> None:
        if self._path is None:
            return
        entry = {
            "root": str(root),
            "fingerprint": fingerprint,
            "signatures": signatures,
            "flows": {
                entrypoint: asdict(one)
                for entrypoint, one in flows.items()
                if signatures.keys() >= set(one.sources)
            },
        }
        key = self._key(root)
        # Without it the next one asks again.
        with suppress(OSError):
            write_json(self._path, {**self._others(key, root), key: entry})

    def _others(self, key: str, root: Path) -> dict[str, Any]:
        """Return what is worth keeping besides: checkouts come and go, environments as well."""
        everything = read_json(self._path) if self._path else None
        kept = {
            name: one
            for name, one in (everything or {}).items()
            if name != key and isinstance(one, dict) and Path(str(one.get("root"))).is_dir()
        }
        of_root = [name for name, one in kept.items() if one["root"] == str(root)]
        for name in of_root[: -(ENVIRONMENTS - 1)]:
            del kept[name]
        return kept

    def _key(self, root: Path) -> str:
        """Return what tells a project in an environment from others."""
        seen = {
            name: value
            for name, value in seen_by_flows(self._environ).items()
            if not name.startswith(PASSING)
        }
        text = json.dumps([str(root), seen], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def _settled(flows: Iterable[FlowDescription], began: float) -> dict[str, Signature]:
    """Return the signatures of what flows were made from and nobody has written meanwhile."""
    signatures = {path: _signature(path) for one in flows for path in one.sources}
    latest = (began - LATEST_SECONDS) * 1e9
    return {path: one for path, one in signatures.items() if one is not None and one[0] < latest}


def _signature(path: str) -> Signature | None:
    """Return what differs once a file was written, or a directory has other entries."""
    try:
        status = os.stat(path)  # noqa: PTH116 - a Path for each of a thousand files costs more
    except OSError:
        return None
    return [status.st_mtime_ns, status.st_size]

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
from collections.abc import Callable, Mapping, Sequence
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
        known = self._known(root, fingerprint)
        missing = {
            entrypoint: given
            for entrypoint, given in wanted.items()
            if entrypoint not in known
            or not set(map(key_of, given)) <= known[entrypoint].mistakes.keys()
        }
        if not missing:
            return {entrypoint: known[entrypoint] for entrypoint in wanted}
        began = time.time()
        told = inspect(missing)
        fresh = {
            entrypoint: one for entrypoint, one in told.items() if isinstance(one, FlowDescription)
        }
        self._keep(root, fingerprint, {**known, **fresh}, began)
        return {**{entrypoint: known[entrypoint] for entrypoint in wanted.keys() - missing}, **told}

    def _known(self, root: Path, fingerprint: str) -> dict[str, FlowDescription]:
        if self._path is None:
            return {}
        kept = (read_json(self._path) or {}).get(self._key(root))
        try:
            if kept is None or kept["fingerprint"] != fingerprint:
                return {}
            now = {path: _signature(path) for path in kept["signatures"]}
            return {
                entrypoint: FlowDescription(**{**one, "sources": tuple(one["sources"])})
                for entrypoint, one in kept["flows"].items()
                if all(now[path] == kept["signatures"][path] for path in one["sources"])
            }
        except (KeyError, TypeError, AttributeError):
            # Written by another version of ours.
            return {}

    def _keep(
        self, root: Path, fingerprint: str, flows: Mapping[str, FlowDescription], began: float
    ) -> None:
        if self._path is None:
            return
        sources = {path for one in flows.values() for path in one.sources}
        signatures = {path: _signature(path) for path in sorted(sources)}
        # Seen at the time of an earlier inspection, or certainly older than this one.
        good = {
            path
            for path, signature in signatures.items()
            if signature is not None and signature[0] < (began - LATEST_SECONDS) * 1e9
        }
        entry = {
            "fingerprint": fingerprint,
            "root": str(root),
            "signatures": {path: signatures[path] for path in sorted(good)},
            "flows": {
                entrypoint: asdict(one)
                for entrypoint, one in flows.items()
                if good.issuperset(one.sources)
            },
        }
        # Checkouts of git come and go.
        others = {
            key: one
            for key, one in (read_json(self._path) or {}).items()
            if isinstance(one, dict) and Path(str(one.get("root"))).is_dir()
        }
        # Without it the next one asks again.
        with suppress(OSError):
            write_json(self._path, {**others, self._key(root): entry})

    def _key(self, root: Path) -> str:
        """Return what tells a project in an environment from others."""
        seen = {
            name: value
            for name, value in seen_by_flows(self._environ).items()
            if not name.startswith(PASSING)
        }
        text = json.dumps([str(root), seen], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def _signature(path: str) -> list[int] | None:
    """Return what differs once a file was written, or a directory has other entries."""
    try:
        status = os.stat(path)  # noqa: PTH116 - a Path for each of a thousand files costs more
    except OSError:
        return None
    return [status.st_mtime_ns, status.st_size]

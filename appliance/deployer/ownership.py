"""What on the server is the deployer's: only that is ever removed.

The record lies with the server, as a table among its artifacts, so that a backup, a restore or a
promotion takes it along and a build pipeline needs no disk of its own. Deployers that share a
server have a record each, and keep their hands off what is in another's.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from appliance.api import Api
from appliance.deployer.objects.kind import Desired, read_all

KEY = "zoe-deployer-"
DESCRIPTION = (
    "What the deployer **{scope}** has made here from files, and will remove when it vanishes from "
    "them. Without this record nothing is removed."
)
DIGEST_LENGTH = 16

Name = tuple[str, str]
"""Kind and name."""


@dataclass(frozen=True)
class Entry:
    """One object that is ours.

    Attributes:
        kind: Its kind.
        name: Its name.
        project: The project that declared it last.
        file: The file that declared it last.
        applied: A digest of the fields that were last applied, which tells a change of the file
            from one that somebody made on the server; empty until the first time.
        initial: The switches as the file had them then.
    """

    kind: str
    name: str
    project: str
    file: str
    applied: str
    initial: Mapping[str, bool]

    @property
    def key(self) -> Name:
        """What tells it from others."""
        return self.kind, self.name


Record = dict[Name, Entry]


def entry(desired: Desired, *, applied: bool) -> Entry:
    """Return the entry of an object, once it is as declared or while it is about to be."""
    return Entry(
        kind=desired.kind,
        name=desired.name,
        project=desired.place.project,
        file=desired.place.file,
        applied=digest(desired) if applied else "",
        initial=dict(desired.initial) if applied else {},
    )


def digest(desired: Desired) -> str:
    """Return what is equal as long as the files say the same of an object."""
    text = json.dumps(desired.fields, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]


class Store:
    """The record of one deployer on the server.

    Args:
        api: The server.
        scope: The name of this deployer.
    """

    def __init__(self, api: Api, scope: str) -> None:
        self._api = api
        self.scope = scope
        self._id: str | None = None
        self._written: Record = {}

    def read(self) -> tuple[Record, dict[Name, str]]:
        """Return our record and, by kind and name, the deployers that other objects belong to."""
        ours: Record = {}
        others: dict[Name, str] = {}
        self._id = None
        # Flows leave artifacts, too, with all their data.
        records = {"artifacts": {"key": {"like_": f"{KEY}%"}}}
        for found in read_all(self._api, "/artifacts/latest/filter", records):
            key = str(found["key"])
            record = _parsed(found["data"])
            if key == KEY + self.scope:
                self._id, ours = found["latest_id"], record
            else:
                others |= dict.fromkeys(record, key.removeprefix(KEY))
        self._written = dict(ours)
        return ours, others

    def write(self, record: Record) -> None:
        """Make the record on the server this one; no request when it is so already."""
        if record == self._written:
            return
        rows = [asdict(record[key]) for key in sorted(record)]
        if self._id is None:
            made = self._api.post(
                "/artifacts/",
                {
                    "key": KEY + self.scope,
                    "type": "table",
                    "description": DESCRIPTION.format(scope=self.scope),
                    "data": json.dumps(rows),
                },
            )
            self._id = made["id"]
        else:
            self._api.patch(f"/artifacts/{self._id}", {"data": json.dumps(rows)})
        self._written = dict(record)


def _parsed(data: Any) -> Record:
    """Return what was written; nothing where somebody has written something else."""
    try:
        entries = [Entry(**row) for row in json.loads(data)]
    except (TypeError, ValueError):
        return {}
    return {one.key: one for one in entries}


def slug(name: str) -> str:
    """Return a name as a key of Prefect's artifacts takes it: small letters, digits, hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "project"

"""`zoe backup create|list|verify|prune`."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from typing import Any

from appliance.backup import archive, creating
from appliance.backup.choosing import choose, passphrase_of, target_of
from appliance.backup.manifest import Manifest
from appliance.backup.target import Stored, Target
from appliance.errors import ZoeError
from appliance.layout import Layout
from appliance.settings import Settings, load

MEGABYTE = 1e6
RUNS = "flow_run"
TERMINATED = 128 + signal.SIGTERM


def carry_out(given: argparse.Namespace) -> int:
    """Carry out one of the actions.

    Args:
        given: `action`; `json`; for verify `archive`.

    Raises:
        OperatorError: A setting is wrong, or there is no such archive.
        WorldError: Database or target do not do their part, or an archive is damaged.
    """
    settings = load().settings
    layout = Layout(settings.data_dir)
    match given.action:
        case "create":
            _create(settings, layout, as_json=given.json)
        case "list":
            _list(settings, layout, as_json=given.json)
        case "verify":
            _verify(given.archive, settings, layout, as_json=given.json)
        case _:
            _prune(settings, layout)
    return 0


def _create(settings: Settings, layout: Layout, *, as_json: bool) -> None:
    # So that what was begun is removed when Zoe stops meanwhile.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    made = creating.create(settings, layout, say=_tell if sys.stderr.isatty() else _keep_quiet)
    if as_json:
        _print({"name": made.name, "place": made.place, "size": made.size, **_told(made.manifest)})
        return
    sys.stdout.write(f"{made}: {_words(made.size, made.manifest)}\n")


def _list(settings: Settings, layout: Layout, *, as_json: bool) -> None:
    target = target_of(settings, layout)
    rows = [_row(stored, target, passphrase_of(settings)) for stored in target.stored()]
    if as_json:
        _print(rows)
        return
    if not rows:
        sys.stdout.write(f"there is no backup in {target} yet\n")
        return
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        told = row["problem"] or f"{row['engine']:<8}  {row['runs']} runs"
        sealed = "encrypted" if row["encrypted"] else "plain"
        sys.stdout.write(
            f"{row['name']:<{width}}  {row['made_at']}  {row['size'] / MEGABYTE:>8.1f} MB  "
            f"{sealed:<9}  {told}\n"
        )


def _row(stored: Stored, target: Target, passphrase: str | None) -> dict[str, Any]:
    name = str(stored.name)
    row = {
        "name": name,
        "label": stored.name.label,
        "encrypted": stored.name.encrypted,
        "size": stored.size,
        "made_at": stored.name.made_at.isoformat(),
        "engine": None,
        "runs": None,
        "problem": None,
    }
    try:
        with target.open(name) as source:
            return {**row, **_told(archive.read_manifest_from(source, name, passphrase))}
    except ZoeError as error:
        # One that cannot be read must not hide the others.
        return {**row, "problem": error.what}


def _verify(given: str | None, settings: Settings, layout: Layout, *, as_json: bool) -> None:
    chosen = choose(given, settings, layout)
    with chosen.open() as source:
        manifest = archive.verify(source, chosen.name, passphrase_of(settings))
    if as_json:
        _print({"name": chosen.name, "place": chosen.place, "ok": True, **_told(manifest)})
        return
    files = len(manifest.files)
    sys.stdout.write(f"{chosen.place}/{chosen.name}: all {files} files are as they were written\n")


def _prune(settings: Settings, layout: Layout) -> None:
    for name in creating.prune(settings, layout):
        sys.stdout.write(f"removed {name}\n")


def _told(manifest: Manifest) -> dict[str, Any]:
    return {
        "made_at": manifest.made_at.isoformat(),
        "zoe": manifest.zoe,
        "prefect": manifest.prefect,
        "engine": manifest.engine,
        "revision": manifest.revision,
        "runs": manifest.tables.get(RUNS, 0),
        "rows": sum(manifest.tables.values()),
        "files": len(manifest.files),
    }


def _words(size: int, manifest: Manifest) -> str:
    runs = manifest.tables.get(RUNS, 0)
    return f"{size / MEGABYTE:.1f} MB, {manifest.engine}, {runs} runs"


def _tell(line: str) -> None:
    sys.stderr.write(f"{line} …\n")


def _keep_quiet(line: str) -> None:
    del line


def _print(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=2) + "\n")

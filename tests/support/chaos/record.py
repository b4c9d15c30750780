"""What chaos has shown: one JSON line an experiment, and the page that is made from them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.support.chaos.phases import PHASES
from tests.support.chaos.programs import ENGINES, PROGRAMS

CELL = "cell"
# The page to make; without it nothing is put on record, as by the slice that `make test` plays.
PAGE = os.environ.get("CHAOS_TABLE")
# Beside what the image's build stages; `make clean` removes both.
RECORDS = Path(os.environ.get("CHAOS_RECORDS", ".build/chaos.jsonl"))
WHY_CHARACTERS = 500
_KEYS = ("kind", "engine", "program", "phase")


@contextmanager
def outcome(kind: str, **key: str) -> Iterator[dict[str, Any]]:
    """Put on record how an experiment ends.

    Args:
        kind: CELL, or the name of an experiment that stands for itself.
        key: What tells it from others of its kind: engine, program, phase.

    Yields:
        Details to fill in.
    """
    details: dict[str, Any] = {}
    line = {"kind": kind, **key, "at": datetime.now(UTC).isoformat(timespec="seconds")}
    try:
        yield details
    except KeyboardInterrupt:
        # Who breaks it off has shown nothing.
        raise
    except BaseException as error:
        why = f"{type(error).__name__}: {error}"[:WHY_CHARACTERS]
        _append({**line, "ok": False, "why": why, **details})
        raise
    _append({**line, "ok": True, **details})


def _append(line: Mapping[str, Any]) -> None:
    if not PAGE:
        return
    RECORDS.parent.mkdir(parents=True, exist_ok=True)
    with RECORDS.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def read(path: Path = RECORDS) -> list[dict[str, Any]]:
    """Return the newest record of each experiment."""
    newest: dict[tuple[str | None, ...], dict[str, Any]] = {}
    if path.exists():
        for text in path.read_text(encoding="utf-8").splitlines():
            line = json.loads(text)
            newest[tuple(line.get(key) for key in _KEYS)] = line
    return list(newest.values())


def page(records: Iterable[Mapping[str, Any]], cores: int | None) -> str:
    """Return the page of the documentation.

    Args:
        records: As `read` returns them.
        cores: How many the machine had.
    """
    known = list(records)
    cells = [record for record in known if record["kind"] == CELL]
    others = [record for record in known if record["kind"] != CELL]
    days = sorted(record["at"][:10] for record in known) or ["never"]
    acknowledged = sum(record.get("acknowledged", 0) for record in known if record["ok"])
    when = days[0] if days[0] == days[-1] else f"{days[0]} to {days[-1]}"
    failed = sum(not record["ok"] for record in known)
    lines = [
        "# What chaos has shown",
        "",
        "<!-- Made by `make chaos`; do not edit. -->",
        "",
        f"{len(known)} experiments with the real image, {when}, on {cores} cores; {failed} failed.",
        f"{acknowledged} flow runs had been acknowledged by the API; none was missing afterwards.",
        "",
        "In each cell a program gets SIGKILL in the phase of the column; the number is the seconds",
        "from the beginning of the phase, its own starts and stops included, until all is healthy.",
        "Then: every acknowledged run is there; each that was going on has an end or is scheduled;",
        "no run claims to be going on without a process; the database is sound (`integrity_check`,",
        "`foreign_key_check`; `pg_amcheck --heapallindexed`); no half-made file lies about.",
        "`container` is PID 1 with all others (`docker kill`), started again by `docker start`;",
        "so is one that gave up with an exit code other than 0, which is marked by that code.",
        "In parentheses: what became of the flow runs that were going on.",
        "",
        "`make chaos` makes this page anew. A part, merged with what `.build` has on record:",
        "",
        "    CHAOS_TABLE=docs/reference/chaos.md .venv/bin/pytest tests/chaos -k idle",
    ]
    for engine in ENGINES:
        here = [cell for cell in cells if cell["engine"] == engine]
        if here:
            lines += ["", f"## {engine}", "", *_table(here)]
    if others:
        lines += [
            "",
            "## Other experiments",
            "",
            "| experiment | engine | outcome |",
            "|---|---|---|",
        ]
        lines += [
            f"| {record['kind']} | {record.get('engine', '')} | {_words(record)} |"
            for record in sorted(others, key=lambda r: (r["kind"], r.get("engine", "")))
        ]
    return "\n".join(lines) + "\n"


def write_page() -> None:
    """Renew the page from all that is on record, where one is wanted."""
    if not PAGE:
        return
    path = Path(PAGE)
    path.write_text(page(read(), os.cpu_count()), encoding="utf-8")
    sys.stderr.write(f"\nwrote {path}\n")


def _table(cells: list[Mapping[str, Any]]) -> list[str]:
    phases = list(PHASES)
    by_place = {(cell["program"], cell["phase"]): _cell(cell) for cell in cells}
    return [
        f"| killed | {' | '.join(phases)} |",
        "|---" * (len(phases) + 1) + "|",
        *(
            f"| {program} | "
            + " | ".join(by_place.get((program, phase), "not run") for phase in phases)
            + " |"
            for program in PROGRAMS
            if any(cell["program"] == program for cell in cells)
        ),
    ]


def _cell(cell: Mapping[str, Any]) -> str:
    if not cell["ok"]:
        return "**failed**"
    gave_up = cell.get("exit_code") not in {None, 0} and cell["program"] != "container"
    code = f", exit {cell['exit_code']}" if gave_up and cell["phase"] != "stopping" else ""
    ends = _ends(cell)
    return f"ok, {cell['seconds']:.0f} s{code}" + (f" ({ends})" if ends else "")


def _ends(record: Mapping[str, Any]) -> str:
    return ", ".join(f"{n} {end.lower()}" for end, n in sorted(record.get("ends", {}).items()))


def _words(record: Mapping[str, Any]) -> str:
    if not record["ok"]:
        return "**failed**"
    details = [
        f"{key.replace('_', ' ')} {value}"
        for key, value in record.items()
        if key not in {*_KEYS, "at", "ok", "ends"}
    ]
    return ", ".join(filter(None, ["ok", *details, _ends(record)]))

"""The page of the documentation, made from what is on record."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path

from tests.bench import table, targets
from tests.bench.model import Variant
from tests.bench.results import Results, Taken
from tests.bench.scales import FULL, SCALES

LINE_CHARACTERS = 118
VARIANTS = {
    Variant.STOCK: "`prefect server start` and `prefect worker start --type process`, a container "
    "each, with Prefect's defaults (SQLite, no authentication)",
    Variant.TUNED: "the same with `PREFECT_WORKER_QUERY_SECONDS=1`, and `python -m prefect.engine` "
    "as the deployments' `command`",
    Variant.COLD: "as `zoe`, with `ZOE_WARM_START=false`",
    Variant.ZOE: "this image with its defaults: one container, authentication on",
}


def page(results: Results, chart: Path | None, path: Path) -> str:
    """Return the page.

    Args:
        results: What is on record.
        chart: Where the chart is, if there is one.
        path: Where the page will be, from where links lead to the chart.
    """
    lines = [
        "# What the bench has measured",
        "",
        "<!-- Made by `make bench`; do not edit. -->",
        "",
        "Zoe beside stock Prefect of the same version, installed by the same lock and built on",
        "the same image, in one run on one machine. What Zoe adds for its server, uvloop and",
        "httptools, is taken out of stock's image: Prefect does not ask for them, and its server",
        "would use them where they are. The variants take turns, another one first in each",
        "repetition. Figures are medians over all repetitions unless the row says otherwise;",
        "ratios say how many times better, whichever way is better.",
        "",
        "| variant | is |",
        "|---|---|",
        *(f"| {variant} | {words} |" for variant, words in VARIANTS.items()),
        "",
        "So that nothing leaves the machine, telemetry is off in stock, too. Stock's containers",
        "have an init process (`--init`) and run as root, as Prefect's own image does. The",
        "worker's is started once the server answers, and shares its network, so that a call is as",
        "short as in Zoe's one container. Zoe deploys its examples where the start is measured,",
        "and nothing elsewhere, so that only the bench's flows run. Clients are light: they",
        "create runs, then ask for one count a second.",
        "",
        "`make bench` makes this page anew, in some hours; `make bench BENCH='start idle'` a part",
        "of it, and keeps the rest as it is on record in `.build`.",
    ]
    if chart is not None:
        place = Path(os.path.relpath(chart, path.parent)).as_posix()
        lines += ["", f"![How many times better than stock Prefect]({place})"]
    judged = targets.markdown(results)
    if len(judged) > 2:
        lines += ["", "## Targets", "", *judged]
    for taken in results.values():
        lines += ["", *_section(taken)]
    return "\n".join(lines) + "\n"


def _section(taken: Taken) -> list[str]:
    measurement = taken.measurement
    how = measurement.how(SCALES[taken.scale])
    times = "once" if taken.repetitions == 1 else f"{taken.repetitions} times"
    machine = taken.machine
    where = (
        f"Measured {times} on {taken.at[:10]}, {machine['cores']} cores with a load of "
        f"{machine['load']} before, Prefect {machine['prefect']}, Python {machine['python']}."
    )
    lines = [
        f"## {measurement.title}",
        "",
        *textwrap.wrap(f"`{measurement.name}`: {how}", LINE_CHARACTERS),
        "",
        *table.markdown(taken),
        "",
        where,
    ]
    if taken.scale != FULL.name:
        lines += ["", f"**Sizes: {taken.scale}; a try, no result.**"]
    for variant, why in taken.failures.items():
        lines += ["", f"**{variant} failed**: {why}"]
    return lines

"""`python -m tests.bench [NAME ...]`: measure, and say what came of it."""

from __future__ import annotations

import signal
import subprocess
import sys

from appliance.errors import FAILURE_EXIT_CODE, OperatorError, WorldError, ZoeError
from tests.bench import chart, progress, table
from tests.bench.arguments import Options, parse
from tests.bench.bench import Bench, carry_out
from tests.bench.measurements.catalogue import MEASUREMENTS
from tests.bench.order import turns
from tests.bench.page import page
from tests.bench.results import Results, dump, merged, read
from tests.bench.subjects import stock
from tests.bench.subjects.project import flows_volume
from tests.support.container import IMAGE, docker

INTERRUPTED_EXIT_CODE = 130
TERMINATED_EXIT_CODE = 143


def main(words: list[str]) -> int:
    """Carry out the command line; return the exit code."""
    try:
        return _run(parse(words, MEASUREMENTS))
    except ZoeError as error:
        sys.stderr.write(f"bench: {error.line()}\n")
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED_EXIT_CODE


def _run(options: Options) -> int:
    if options.list_only:
        for measurement in options.measurements:
            sys.stdout.write(f"{measurement.name:18}{measurement.title}\n")
        return 0
    earlier = _earlier(options)
    _check_image()
    stock.build_image()
    now: Results = {}

    def keep(results: Results) -> None:
        now.update(results)
        _write(options, merged(earlier, now, MEASUREMENTS))

    plan = list(turns(options.measurements, options.variants, options.repetitions))
    try:
        with flows_volume() as flows:
            carry_out(Bench(options.scale, flows), plan, options.repetitions, keep)
    finally:
        # Also after Ctrl-C: what was measured until then has cost enough.
        sys.stdout.write(table.terminal(now.values()))
    failed = [name for name, taken in now.items() if taken.failures]
    if failed:
        progress.say(f"failed: {', '.join(failed)}")
    return FAILURE_EXIT_CODE if failed else 0


def _earlier(options: Options) -> Results:
    if options.json is None:
        return {}
    try:
        return read(options.json, MEASUREMENTS)
    except (ValueError, KeyError, TypeError):
        raise OperatorError(
            f"{options.json} is not what the bench has written", remedy="name another file"
        ) from None


def _check_image() -> None:
    try:
        found = docker("image", "inspect", IMAGE, check=False)
    except OSError as error:
        raise WorldError(f"Docker cannot be run: {error}") from None
    if found.returncode:
        raise WorldError(f"there is no image {IMAGE}", remedy="make image")


def _write(options: Options, results: Results) -> None:
    if options.json is not None:
        options.json.write_text(dump(results), encoding="utf-8")
    if options.chart is not None:
        drawing = chart.svg(chart.groups(results.values()))
        options.chart.write_text(drawing, encoding="utf-8")
    if options.page is not None:
        text = page(results, options.chart, options.page)
        options.page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    # So that containers are removed, whoever ends this.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED_EXIT_CODE))
    try:
        sys.exit(main(sys.argv[1:]))
    except subprocess.CalledProcessError as failure:
        sys.stderr.write(f"bench: {' '.join(failure.cmd[:2])} failed: {failure.stderr}\n")
        sys.exit(FAILURE_EXIT_CODE)

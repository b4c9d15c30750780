from __future__ import annotations

from pathlib import Path

import pytest

from appliance.errors import OperatorError
from tests.bench.__main__ import main
from tests.bench.arguments import parse
from tests.bench.measurements.catalogue import MEASUREMENTS
from tests.bench.model import Variant


def test_all_of_it_when_nothing_is_named() -> None:
    options = parse([], MEASUREMENTS)
    assert options.measurements == MEASUREMENTS
    assert options.variants == tuple(Variant)
    assert (options.repetitions, options.scale.name) == (3, "full")
    assert (options.json, options.chart, options.page) == (None, None, None)


def test_a_part_in_the_usual_order(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    words = ["start", "latency", "--repetitions", "5", "--scale", "small", "--json", str(file)]
    options = parse([*words, "--variants", "zoe,stock"], MEASUREMENTS)
    assert [measurement.name for measurement in options.measurements] == ["latency", "start"]
    assert options.variants == (Variant.STOCK, Variant.ZOE)
    assert (options.repetitions, options.scale.name, options.json) == (5, "small", file)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["strat"], "there is no measurement 'strat'; did you mean start?"),
        (["x"], "there is no measurement 'x'; there are latency, "),
        (["--variants", "zoe,hot"], "there is no variant 'hot'"),
        (["clients-sqlite", "--variants", "tuned"], "clients-sqlite is not for tuned"),
        (["--repetitions", "0"], "'0' is not a whole number from 1 to 100"),
        (["--repetitions", "many"], "'many' is not a whole number"),
        (["--scale", "huge"], "huge"),
        (["--json", "/nowhere/x.json"], "/nowhere is not a directory; make it first"),
        (["--loud"], "unrecognized arguments: --loud"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    words: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(OperatorError):
        parse(words, MEASUREMENTS)
    assert main(words) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert line in told.err
    assert told.err.count("\n") == 1


def test_a_file_of_somebody_else_is_not_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "x.json"
    file.write_text("{}")
    assert main(["image", "--json", str(file)]) == 2
    assert "is not what the bench has written" in capsys.readouterr().err
    assert file.read_text() == "{}"


def test_the_list_names_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [each.name for each in MEASUREMENTS]

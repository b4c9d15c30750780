from __future__ import annotations

from tests.bench import table
from tests.bench.model import SERVER_ONLY, Variant
from tests.unit.bench.samples import RATE, SECONDS, SLOWEST, measurement, taken

START = taken(
    measurement("start", SECONDS, SLOWEST),
    stock={"seconds": [10.0]},
    tuned={"seconds": [5.0]},
    zoe_cold={"seconds": [4.0]},
    zoe={"seconds": [0.5]},
)


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_row_has_figures_and_ratios() -> None:
    row = table.rows(START)[0]
    assert row[:6] == ("start", "s", "10", "5", "4", "0.5")
    assert [cell.split()[0] for cell in row[6:]] == ["20", "10"]


def test_columns_stand_below_each_other() -> None:
    lines = table.terminal([START]).splitlines()
    assert len(lines) == 4
    assert set(lines[1]) == {"-"}
    end = lines[0].index("stock") + len("stock")
    assert [line[:end].split()[-1] for line in lines[2:]] == ["10", "10"]


def test_empty_columns_are_left_out_of_the_page() -> None:
    made = measurement("clients", RATE, variants=SERVER_ONLY)
    header, _, row = table.markdown(taken(made, stock={"rate": [50.0]}, zoe={"rate": [100.0]}))
    assert cells(header) == ["measurement", "", "stock", "zoe", "zoe : stock"]
    assert cells(row)[2:4] == ["50", "100"]


def test_what_failed_says_so() -> None:
    result = taken(measurement("start", SECONDS), stock={"seconds": [10.0]})
    result.fail(Variant.ZOE, "ended")
    assert table.rows(result)[0][5] == table.FAILED

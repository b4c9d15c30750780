from __future__ import annotations

from collections import Counter

from tests.bench.measurements import clients
from tests.bench.measurements.catalogue import MEASUREMENTS
from tests.bench.model import Variant
from tests.bench.scales import SCALES
from tests.bench.subjects.project import CATALOGUE, hundred
from tests.bench.subjects.subject import Wanted
from tests.bench.subjects.zoe import environment


def test_names_and_titles_tell_all_of_them_apart() -> None:
    names = [measurement.name for measurement in MEASUREMENTS]
    titles = [metric.title for measurement in MEASUREMENTS for metric in measurement.metrics]
    assert len(set(names)) == len(names)
    assert len(set(titles)) == len(titles)


def test_bad_answers_and_none_are_errors_and_no_rate() -> None:
    found = clients.figures(Counter({201: 60, 404: 15, 503: 20, clients.NO_ANSWER: 5}), 10)
    assert found == {"errors": [25.0], "rate": [7.5]}


def test_the_flows_to_deploy_are_declared_once_each() -> None:
    files = hundred(3)
    catalogue = files.pop(CATALOGUE)
    assert len(files) == catalogue.count("entrypoint:") == 3
    for name, text in files.items():
        compile(text, name, "exec")
        assert f"entrypoint: {name.removeprefix('many/')}:{name[-11:-3]}" in catalogue


def test_what_is_not_asked_for_is_left_to_the_image() -> None:
    plain = Wanted(Variant.ZOE, "flows", projects="")
    assert [variable.split("=")[0] for variable in environment(plain)] == ["ZOE_ADMIN_PASSWORD"]
    cold = Wanted(Variant.COLD, "flows", engine="postgres", worker=False, worker_limit=7)
    assert set(environment(cold)[1:]) == {
        "ZOE_WARM_START=false",
        "ZOE_DATABASE=postgres",
        "ZOE_COMPONENTS=database,server",
        "ZOE_WORKER_LIMIT=7",
        "ZOE_PROJECTS=/bench/none",
    }


def test_methods_name_the_sizes_that_were_used() -> None:
    for measurement in MEASUREMENTS:
        for scale in SCALES.values():
            assert "{" not in measurement.how(scale)
    tasks = next(measurement for measurement in MEASUREMENTS if measurement.name == "tasks")
    assert " 1000 numbers" in tasks.how(SCALES["full"])

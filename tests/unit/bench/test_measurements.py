from __future__ import annotations

from collections import Counter
from pathlib import Path

import yaml

from appliance.deployer import catalogue
from appliance.deployer.project import Project
from tests.bench.measurements import clients
from tests.bench.measurements.catalogue import MEASUREMENTS
from tests.bench.model import Variant
from tests.bench.scales import SCALES
from tests.bench.subjects import many_files
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


def test_both_sides_deploy_the_same_of_which_one_changes() -> None:
    changed = many_files.name(1, 0)
    for now in ("", changed):
        ours = [
            deployment
            for text in many_files.files(3, 2, now).values()
            for deployment in yaml.safe_load(text)["deployments"]
        ]
        (stock,) = many_files.one_file(3, 2, now).values()
        assert ours == yaml.safe_load(stock)["deployments"]
        assert [one["name"] for one in ours if one["parameters"]["rounds"] == 2] == (
            [now] if now else []
        )
    before, after = many_files.files(3, 2), many_files.files(3, 2, changed)
    assert len([path for path in before if before[path] != after[path]]) == 1


def test_zoe_takes_the_files_without_a_problem(tmp_path: Path) -> None:
    for path, text in {**many_files.flows(), **many_files.files(3, 2)}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
        if path.endswith(".py"):
            compile(text, path, "exec")
    found = catalogue.read(Project(tmp_path / many_files.ROOT))
    assert found.problems == ()
    assert len(found.declared) == 6
    for one in found.declared:
        file, _, function = one.deployment.entrypoint.partition(":")
        assert f"def {function}(" in (tmp_path / many_files.ROOT / file).read_text()


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

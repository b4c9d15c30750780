from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from appliance.deployer import report
from appliance.deployer.problems import Problem
from appliance.deployer.report import Report
from appliance.layout import Runtime


def test_comes_back_as_it_was_written(tmp_path: Path) -> None:
    runtime = Runtime(tmp_path)
    assert report.read(runtime) is None
    problems = [Problem("/p/d.yaml", 3, "wrong"), Problem("/p", 0, "absent")]
    written = Report.of({"f/b", "f/a"}, problems)
    report.write(runtime, written)
    found = report.read(runtime)
    assert found == written
    assert found.deployments == ("f/a", "f/b")
    assert found.problems == ("/p/d.yaml:3: wrong", "/p: absent")
    assert abs((datetime.now(UTC) - datetime.fromisoformat(found.at)).total_seconds()) < 60

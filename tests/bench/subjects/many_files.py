"""A project of many deployments in many files, and the same ones in the one file that stock reads.

Prefect's own form, which both sides take. Some flows are shared by all, as they are where many
deployments are: a flow each for customers, regions and the like.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.subjects.subject import PROJECT

ROOT = "files"
FLOWS = 10
# Whose parameter is changed: the first deployment of the file in the middle.
DEFAULT_ROUNDS = 1
CHANGED_ROUNDS = 2


def name(file: int, number: int) -> str:
    """Return the name of a deployment."""
    return f"file-{file:02}-{number:02}"


def flows() -> dict[str, str]:
    """Return the modules of the flows, by path."""
    return {f"{ROOT}/flows/part_{flow}.py": FLOW.format(flow=flow) for flow in range(FLOWS)}


def files(count: int, each: int, changed: str = "") -> dict[str, str]:
    """Return the files that Zoe reads, by path.

    Args:
        count: How many files.
        each: How many deployments in each of them.
        changed: The name of the deployment that has another parameter than the rest.
    """
    return {
        f"{ROOT}/deployments/file_{file:02}.yaml": _document(_file(file, each, changed))
        for file in range(count)
    }


def one_file(count: int, each: int, changed: str = "") -> dict[str, str]:
    """Return the file that `prefect deploy --all` reads, with all of them, by its path."""
    lines = [line for file in range(count) for line in _file(file, each, changed)]
    return {f"{ROOT}/prefect.yaml": _document(lines)}


def _document(deployments: list[str]) -> str:
    head = [
        "pull:",
        "  - prefect.deployments.steps.set_working_directory:",
        f"      directory: {PROJECT}/{ROOT}",
        "deployments:",
    ]
    return "\n".join([*head, *deployments]) + "\n"


def _file(file: int, each: int, changed: str) -> list[str]:
    return [line for number in range(each) for line in _deployment(file, number, changed)]


def _deployment(file: int, number: int, changed: str) -> Iterator[str]:
    flow = (file + number) % FLOWS
    own = name(file, number)
    rounds = CHANGED_ROUNDS if own == changed else DEFAULT_ROUNDS
    yield f"  - name: {own}"
    yield f"    entrypoint: flows/part_{flow}.py:part_{flow}"
    yield f"    description: Number {number} of file {file}."
    yield f"    tags: [bench, file-{file:02}]"
    yield "    parameters:"
    yield f"      customer: customer-{file}-{number}"
    yield f"      rounds: {rounds}"
    yield "    work_pool:"
    yield "      name: default"
    yield "    schedules:"
    yield f'      - cron: "{(file + number) % 60} {number % 24} * * *"'
    yield "        timezone: Europe/Berlin"


FLOW = """from prefect import flow


@flow
def part_{flow}(customer: str, rounds: int = 1, dry: bool = False) -> str:
    \"\"\"Look after a customer.\"\"\"
    return f"{{customer}}, {{rounds}} times" + (", not really" if dry else "")
"""

"""All looks, in order; one that cannot look is a finding itself and does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from typing import Any

from appliance import credentials, preflight
from appliance.api import Api
from appliance.doctor import (
    abandoned,
    clock,
    directories,
    disk,
    jobs,
    late_runs,
    leftovers,
    permissions,
    ports,
    postgres,
    programs,
    schema,
    secret,
    services,
    sqlite,
    tag_limits,
    unfinished,
    versions,
    workers,
)
from appliance.doctor.finding import Finding, problem, well
from appliance.doctor.here import worker_here
from appliance.doctor.lateness import Here, Pool
from appliance.doctor.patient import Patient
from appliance.doctor.pools import PAGE, pools
from appliance.errors import OperatorError, SeveralMistakesError, ZoeError
from appliance.layout import Layout, Runtime
from appliance.settings import Component, DatabaseEngine, load
from appliance.supervisor import health

SETTINGS = "settings"
API = "API"

Look = Callable[[], Iterable[Finding]]


def examine() -> list[Finding]:
    """Look at everything that can be looked at; nothing is changed."""
    runtime = Runtime.from_environment()
    try:
        loaded = load()
    except OperatorError as error:
        return list(_refused(SETTINGS, error))
    settings = loaded.settings
    patient = Patient(settings, Layout(settings.data_dir), runtime, health.read(runtime))
    findings = _all(_of_this_machine(patient))
    if patient.is_running or not patient.has(Component.SERVER):
        findings += _of_the_server(patient)
    return findings


def _of_this_machine(patient: Patient) -> list[tuple[str, Look]]:
    """Return the looks that need no server."""
    return [
        (SETTINGS, lambda: _settings(patient)),
        (programs.CHECK, lambda: programs.look(patient)),
        (ports.CHECK, lambda: ports.look(patient)),
        (disk.CHECK, lambda: disk.look(patient)),
        (clock.CHECK, lambda: clock.look(patient)),
        (directories.CHECK, lambda: directories.look(patient)),
        (permissions.CHECK, lambda: permissions.look(patient)),
        (secret.CHECK, lambda: secret.look(patient)),
        (leftovers.CHECK, lambda: leftovers.look(patient)),
        (unfinished.CHECK, lambda: unfinished.look(patient)),
        (sqlite.CHECK, lambda: _database(patient)),
        ("jobs", lambda: jobs.look(patient)),
    ]


def _of_the_server(patient: Patient) -> list[Finding]:
    try:
        given = credentials.read(patient.settings, patient.layout)
        api = Api(patient.settings, given)
    except OperatorError:
        # Said by the look at password and key.
        return []
    with closing(api):
        findings = _all([(API, lambda: _api(api)), (clock.CHECK, lambda: _clock(api))])
        if any(not finding.is_well for finding in findings if finding.check == API):
            return findings
        return findings + _all(_through(patient, api))


def _through(patient: Patient, api: Api) -> list[tuple[str, Look]]:
    """Return the looks through the API, which share some of what they ask it for."""
    try:
        now = api.clock()
        found = pools(api, now)
        here = worker_here(patient, api.ahead())
        deployed = _deployments(api)
    except ZoeError as error:
        # As it was raised: a lambda outlives the name.
        refusal = error
        return [(API, lambda: _refused(API, refusal))]
    return [
        (versions.CHECK, lambda: versions.look(patient, api)),
        (workers.CHECK, lambda: _workers(patient, found, here, deployed)),
        (late_runs.CHECK, lambda: late_runs.look(api, found, here, now)),
        (
            abandoned.CHECK,
            lambda: abandoned.look(
                api, patient.layout, found.get(patient.settings.work_pool), here, now
            ),
        ),
        (tag_limits.CHECK, lambda: tag_limits.look(api, now)),
        (services.CHECK, lambda: services.look(api, deployed, now)),
    ]


def _settings(patient: Patient) -> Iterable[Finding]:
    preflight.check(patient.settings, patient.layout, patient.runtime, starting=False)
    yield well(SETTINGS, "they are valid, and the ground is as it must be")


def _database(patient: Patient) -> Iterable[Finding]:
    settings, file = patient.settings, patient.layout.sqlite_file
    if not patient.has(Component.SERVER):
        return
    if settings.engine is DatabaseEngine.SQLITE:
        if file.is_file():
            yield from sqlite.look(file)
            yield from sqlite.schema(file)
        elif patient.is_running:
            yield problem(sqlite.CHECK, f"{file} is gone", "stop Zoe and restore a backup")
        else:
            yield well(sqlite.CHECK, "none yet; the server makes it at its first start")
    elif settings.engine is DatabaseEngine.EMBEDDED_POSTGRES and not patient.is_running:
        yield well(postgres.CHECK, "not looked at: the embedded Postgres runs only with Zoe")
    else:
        told = postgres.ask(patient)
        yield from postgres.judge(told)
        yield schema.judge(settings.engine, told.revision)
        yield clock.compare("the database", told.ahead)


def _api(api: Api) -> Iterable[Finding]:
    version = api.get("/admin/version")
    yield well(API, f"{api.url} answers and takes the password (Prefect {version})")


def _clock(api: Api) -> Iterable[Finding]:
    yield clock.compare("the server", api.ahead())


def _workers(
    patient: Patient, found: dict[str, Pool], here: Here, deployed: list[dict[str, Any]]
) -> Iterable[Finding]:
    used = {one["work_pool_name"] for one in deployed if one["work_pool_name"]}
    yield from workers.judge(found, patient.settings.work_pool, here, used)


def _deployments(api: Api) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while page := api.post("/deployments/filter", {"limit": PAGE, "offset": len(found)}):
        found += page
    return found


def _all(looks: Iterable[tuple[str, Look]]) -> list[Finding]:
    """Look, and take a look that fails for a finding."""
    findings: list[Finding] = []
    for check, look in looks:
        try:
            findings += look()
        except ZoeError as error:
            findings += _refused(check, error)
        except OSError as error:
            place = f"{error.filename}: " if error.filename else ""
            findings.append(
                problem(check, f"{place}{error.strerror or error}", "see who may read it: ls -l")
            )
    return findings


def _refused(check: str, error: ZoeError) -> Iterable[Finding]:
    errors = error.errors if isinstance(error, SeveralMistakesError) else [error]
    for one in errors:
        where = f" ({one.where})" if one.where else ""
        yield problem(check, one.what + where, one.remedy)

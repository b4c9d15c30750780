"""What we lean on in Prefect beyond its documented face; a new Prefect may break it here first."""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import re
import ssl
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from prefect.client.orchestration import get_client
from prefect.runner._flow_run_executor import FlowRunExecutor
from prefect.runner._hook_runner import HookRunner
from prefect.server.api import server
from prefect.server.database import provide_database_interface
from prefect.server.database.configurations import AioSqliteConfiguration
from prefect.server.database.dependencies import MODELS_DEPENDENCIES
from prefect.server.utilities import encryption
from prefect.settings import (
    PREFECT_API_SSL_CERT_FILE,
    PREFECT_API_URL,
    Settings,
    temporary_settings,
)
from prefect.workers.process import ProcessWorker
from pydantic import AliasChoices, BaseModel

import appliance
from appliance.database import emptying
from appliance.prefect_environment import NO_AUTHORITY, OWNED
from appliance.worker.pool import job_template

# Read by Prefect from the environment itself, past its settings.
OUTSIDE_THE_SETTINGS = {
    "PREFECT_SERVER_ENCRYPTION_KEY": encryption,
    "PREFECT__SERVER_WEBSERVER_ONLY": server,
}

# Set as a whole, in JSON; by the names of the fields that they are.
GROUPS = {"PREFECT_FLOWS": "flows"}


def aliases(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, set[str]]]:
    """Yield each setting of Prefect's and every variable that sets it."""
    env_prefix = str(model.model_config.get("env_prefix") or "")
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from aliases(kind, f"{prefix}{name}.")
            continue
        names = {env_prefix + name}
        if isinstance(field.validation_alias, AliasChoices):
            names |= {alias for alias in field.validation_alias.choices if isinstance(alias, str)}
        yield prefix + name, {alias.upper() for alias in names}


@pytest.fixture(scope="module")
def variables() -> dict[str, set[str]]:
    """Every variable of Prefect's with all that set the same."""
    return {name: names for _, names in aliases(Settings) for name in names}


def names_in_our_source() -> set[str]:
    root = Path(appliance.__file__).parent
    found = set()
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= set(re.findall(r"^PREFECT_[A-Z_]*[A-Z]$", node.value))
    return found


def test_every_setting_that_we_name_exists(variables: dict[str, set[str]]) -> None:
    # Prefect ignores one that it does not know, without a word.
    ours = names_in_our_source()
    assert len(ours) > 20
    assert ours >= set(OWNED)
    assert ours - variables.keys() == {*OUTSIDE_THE_SETTINGS, *GROUPS}
    assert set(Settings.model_fields) >= set(GROUPS.values())
    for name, module in OUTSIDE_THE_SETTINGS.items():
        assert f'"{name}"' in inspect.getsource(module)


def test_no_other_name_goes_round_an_owned_one(variables: dict[str, set[str]]) -> None:
    for name in OWNED.keys() - OUTSIDE_THE_SETTINGS.keys():
        assert variables[name] <= OWNED.keys(), name


def test_database_is_injected_by_this_key() -> None:
    assert "database_config" in MODELS_DEPENDENCIES


def test_sqlite_transactions_begin_as_we_override_them() -> None:
    parameters = inspect.signature(AioSqliteConfiguration.begin_transaction).parameters
    assert list(parameters) == ["self", "session", "with_for_update"]
    source = inspect.getsource(AioSqliteConfiguration)
    assert "IMMEDIATE" in source
    assert list(inspect.signature(AioSqliteConfiguration.setup_sqlite).parameters) == [
        "self",
        "conn",
        "record",
    ]


def test_job_template_is_prefect_s_with_our_command() -> None:
    prefects: dict[str, Any] = ProcessWorker.get_default_base_job_template()
    ours = job_template()
    command = ours["variables"]["properties"]["command"]
    theirs = prefects["variables"]["properties"]["command"]
    assert command.keys() - theirs.keys() <= {"default"}
    for name in ("default", "description"):
        if name in theirs:
            command[name] = theirs[name]
        else:
            command.pop(name, None)
    assert ours == prefects


def test_worker_takes_what_we_give() -> None:
    taken = inspect.signature(ProcessWorker.__init__).parameters
    assert {"work_pool_name", "name", "limit", "create_pool_if_not_found"} <= taken.keys()
    assert "printer" in inspect.signature(ProcessWorker.start).parameters
    assert (
        "query_interval_seconds"
        in inspect.signature(ProcessWorker.is_worker_still_polling).parameters
    )


def test_hooks_of_a_crash_are_run_as_by_the_worker_itself() -> None:
    ours = inspect.signature(HookRunner.run_crashed_hooks).parameters
    assert list(ours) == ["self", "flow_run", "state"]
    assert list(inspect.signature(HookRunner).parameters) == ["resolve_flow"]
    # What Prefect's own worker gives to it.
    assert "resolve_flow=load_flow_from_flow_run" in inspect.getsource(ProcessWorker.run)
    assert "run_crashed_hooks" in inspect.getsource(FlowRunExecutor.submit)


@pytest.mark.parametrize("make", [get_client, partial(get_client, sync_client=True)])
def test_clients_read_the_authorities_that_we_name_for_plain_http_as_well(
    monkeypatch: pytest.MonkeyPatch, make: Callable[[], object]
) -> None:
    read = []
    create = ssl.create_default_context

    def noting(*arguments: Any, cafile: str | None = None, **more: Any) -> ssl.SSLContext:
        read.append(cafile)
        return create(*arguments, cafile=cafile, **more)

    monkeypatch.setattr(ssl, "create_default_context", noting)
    with temporary_settings(
        {PREFECT_API_URL: "http://z/api", PREFECT_API_SSL_CERT_FILE: str(NO_AUTHORITY)}
    ):
        make()
    # Were it none, the file could go; were it another, half of a flow run's CPU time is back.
    assert read == [str(NO_AUTHORITY)]


def test_open_routes_of_the_probes_need_no_password(real_server: Any) -> None:
    import httpx  # noqa: PLC0415

    url = f"http://127.0.0.1:{real_server.settings.port}"
    for path in ("/api/health", "/api/ready"):
        assert httpx.get(url + path).status_code == 200
    assert httpx.get(url + "/api/admin/version").status_code == 401
    settings = httpx.get(f"{url}/ui-settings")
    assert settings.json()["api_url"] == f"{url}/api"


def test_blocks_are_encrypted_as_the_guards_take_it(monkeypatch: pytest.MonkeyPatch) -> None:
    key = Fernet.generate_key().decode()
    monkeypatch.setenv("PREFECT_SERVER_ENCRYPTION_KEY", key)
    session: Any = None  # asked for a key only where none is given
    token = asyncio.run(encryption.encrypt_fernet(session, {"value": "s"}))
    assert json.loads(Fernet(key).decrypt(token)) == {"value": "s"}
    emptied = json.loads(emptying.sealed_nothing(key))
    assert asyncio.run(encryption.decrypt_fernet(session, emptied)) == {}


def test_tables_that_the_guards_look_into() -> None:
    tables = provide_database_interface().Base.metadata.tables
    assert {"id", "data"} <= set(tables["block_document"].columns.keys())
    assert {"key", "value"} <= set(tables["configuration"].columns.keys())


def test_nothing_but_blocks_needs_the_encryption_key() -> None:
    source = Path(inspect.getfile(encryption)).parents[1]
    users = {
        str(path.relative_to(source))
        for path in source.rglob("*.py")
        if "_fernet(" in path.read_text(encoding="utf-8") and "_migrations" not in path.parts
    }
    assert users == {"utilities/encryption.py", "database/orm_models.py"}

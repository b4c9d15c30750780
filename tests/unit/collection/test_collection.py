from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from appliance import __version__
from appliance.collection import argument_specs
from appliance.collection.__main__ import REPOSITORY, made
from appliance.collection.variables import Role, Variable, settings_of, variables_of
from appliance.settings import Settings


@pytest.mark.parametrize("path", made(), ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_what_is_made_from_the_model_is_fresh(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == made()[path], "run: make docs"


def test_every_setting_can_be_given_to_some_role() -> None:
    given = {name for role in Role for name in settings_of(role)}
    assert given == Settings.model_fields.keys()


def test_a_worker_is_not_told_what_is_the_servers() -> None:
    assert not {"database", "encryption_key", "port", "components"} & set(settings_of(Role.WORKER))
    assert not {"api_url", "tls_ca_file"} & set(settings_of(Role.APPLIANCE))


def of(role: Role) -> dict[str, Variable]:
    return {variable.name: variable for variable in variables_of(role)}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("zoe_port", "int"),
        ("zoe_auth", "bool"),
        ("zoe_git_interval", "float"),
        ("zoe_projects", "list"),
        ("zoe_components", "list"),
        ("zoe_data_dir", "str"),
        ("zoe_tls_cert_file", "str"),
        ("zoe_admin_password", "str"),
        ("zoe_on_crash", "str"),
    ],
)
def test_types_are_those_of_the_settings(name: str, kind: str) -> None:
    assert of(Role.APPLIANCE)[name].kind == kind


def test_secrets_choices_and_what_is_required_are_said() -> None:
    main = yaml.safe_load(argument_specs.specification(Role.WORKER))["argument_specs"]["main"]
    options = main["options"]
    assert options["zoe_admin_password"]["no_log"] is True
    assert options["zoe_api_url"]["required"] is True
    assert options["zoe_on_crash"]["choices"] == ["crash", "reschedule"]
    assert "default" not in options["zoe_worker_limit"]
    assert options["zoe_preload"]["elements"] == "str"


def test_each_secret_goes_to_a_file() -> None:
    roles = yaml.safe_load(argument_specs.template_list())["common_zoe_toml"]
    secrets = [entry["name"] for entry in roles["worker"]["settings"] if entry["secret"]]
    assert secrets == ["admin_password"]
    assert roles["worker"]["fixed"] == {"components": "worker"}


@pytest.mark.parametrize("role", Role)
def test_the_defaults_of_a_role_are_those_that_it_documents(role: Role) -> None:
    path = REPOSITORY / "ansible" / "roles" / role / "defaults" / "main.yml"
    written = yaml.safe_load(path.read_text(encoding="utf-8"))
    documented = {
        variable.name: variable.default
        for variable in variables_of(role)
        if variable.default is not None
    }
    assert written == documented


def test_the_collection_has_the_version_of_zoe() -> None:
    galaxy = yaml.safe_load((REPOSITORY / "ansible" / "galaxy.yml").read_text(encoding="utf-8"))
    assert galaxy["version"] == __version__


def test_every_playbook_is_on_the_page() -> None:
    names = {path.stem for path in (REPOSITORY / "ansible" / "playbooks").glob("*.yml")}
    page = (REPOSITORY / "docs" / "reference" / "ansible.md").read_text(encoding="utf-8")
    assert {name for name in names if f"`zoe.prefect.{name}`" in page} == names

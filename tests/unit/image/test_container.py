from __future__ import annotations

import pytest

from appliance.errors import OperatorError
from appliance.image.container import NAME, VOLUME, Wanted, wanted


def test_settings_are_handed_on_by_name_and_their_values_are_in_no_command() -> None:
    target = wanted("sha256:1", {"ZOE_ADMIN_PASSWORD": "s3cret", "HOME": "/root"})
    command = target.run_command()
    assert "--env=ZOE_ADMIN_PASSWORD" in command
    assert not any("s3cret" in word or "HOME" in word for word in command)


def test_what_belongs_to_the_image_or_to_this_machine_is_not_handed_on() -> None:
    environ = {"ZOE_PORT": "4300", "ZOE_DATA_DIR": "/x", "ZOE_RUNTIME_DIR": "/y", "ZOE_CONFIG": "z"}
    target = wanted("sha256:1", environ)
    assert target.variables == {}
    assert "--publish=4300:4200" in target.run_command()


def test_the_container_is_hardened_and_keeps_its_data_in_a_volume() -> None:
    command = wanted("sha256:1", {}).run_command()
    assert {
        "--read-only",
        "--cap-drop=ALL",
        "--security-opt=no-new-privileges",
        f"--volume={VOLUME}:/data",
        f"--name={NAME}",
    } <= set(command)
    assert command[-1] == "sha256:1"


def test_docker_waits_longer_than_zoe_takes() -> None:
    assert wanted("sha256:1", {}).stop_seconds == 10
    assert wanted("sha256:1", {"ZOE_STOP_GRACE": "60"}).stop_seconds == 61


@pytest.mark.parametrize(
    "other",
    [
        Wanted("sha256:2", 4200, {"ZOE_A": "1"}, 10),
        Wanted("sha256:1", 4201, {"ZOE_A": "1"}, 10),
        Wanted("sha256:1", 4200, {"ZOE_A": "2"}, 10),
        Wanted("sha256:1", 4200, {}, 10),
        Wanted("sha256:1", 4200, {"ZOE_A": "1"}, 11),
    ],
)
def test_any_change_of_what_is_wanted_changes_the_digest(other: Wanted) -> None:
    first = Wanted("sha256:1", 4200, {"ZOE_A": "1"}, 10)
    assert first.digest() == Wanted("sha256:1", 4200, {"ZOE_A": "1"}, 10).digest()
    assert first.digest() != other.digest()


@pytest.mark.parametrize("name", ["ZOE_PORT", "ZOE_STOP_GRACE"])
def test_a_number_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(OperatorError, match=f"{name} 'many' is not a whole number"):
        wanted("sha256:1", {name: "many"})

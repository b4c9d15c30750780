from __future__ import annotations

import configparser
from pathlib import Path

import pytest

from appliance.errors import OperatorError
from appliance.image.pip_settings import (
    PipSettings,
    Setting,
    collect,
    configuration_files,
    is_loopback,
    require_certificates,
)

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


def values(settings: PipSettings) -> dict[str, str]:
    return {name: setting.value for name, setting in settings.values.items()}


def test_settings_about_indexes_come_along_and_others_do_not() -> None:
    settings = collect(
        {
            "PIP_INDEX_URL": "https://index.example/simple",
            "PIP_DEFAULT_TIMEOUT": "180",
            "PIP_NO_INDEX": "1",
            "PIP_USER": "1",
            "PIP_CACHE_DIR": "/somewhere",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_PROXY": "",
            "INDEX_URL": "https://not.pip.example",
        },
        [],
        bundles=[],
    )
    assert values(settings) == {
        "index-url": "https://index.example/simple",
        "timeout": "180",
        "no-index": "1",
    }


def test_environment_beats_files_and_later_files_and_sections_beat_earlier_ones() -> None:
    settings = collect(
        {"PIP_TIMEOUT": "3"},
        [
            ("/etc/pip.conf", "[global]\ntimeout = 1\nindex-url = https://a.example\nretries=9\n"),
            (
                "/home/u/pip.conf",
                "[install]\nindex_url = https://c.example\n[global]\nindex-url = https://b.example\n",
            ),
        ],
        bundles=[],
    )
    assert values(settings) == {
        "timeout": "3",
        "index-url": "https://c.example",
        "retries": "9",
    }
    assert settings.values["index-url"].where == "/home/u/pip.conf [install] index_url"


def test_percent_signs_in_credentials_are_left_alone() -> None:
    text = "[global]\nindex-url = https://u:p%40ss@index.example/simple\n"
    settings = collect({}, [("pip.conf", text)], bundles=[])
    assert "p%40ss" in settings.render(ca=None, wheels=None)


def test_a_broken_file_is_the_operators_mistake() -> None:
    with pytest.raises(OperatorError, match=r"pip.conf cannot be read.*PIP_CONFIG_FILE=/dev/null"):
        collect({}, [("pip.conf", "index-url = x\n")], bundles=[])


@pytest.mark.parametrize(
    ("environ", "where"),
    [
        ({"PIP_CERT": "/a", "REQUESTS_CA_BUNDLE": "/b", "SSL_CERT_FILE": "/c"}, "PIP_CERT"),
        ({"REQUESTS_CA_BUNDLE": "/b", "SSL_CERT_FILE": "/c"}, "REQUESTS_CA_BUNDLE"),
        ({"SSL_CERT_FILE": "/c"}, "SSL_CERT_FILE"),
        ({"SSL_CERT_FILE": ""}, "the system's bundle"),
    ],
)
def test_certificates_are_the_ones_that_pip_would_trust(
    environ: dict[str, str], where: str, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle.crt"
    bundle.touch()
    found = collect(environ, [], bundles=[tmp_path / "absent", bundle]).ca
    assert found is not None
    assert found.where == where


def test_cert_of_a_file_beats_variables_of_other_programs() -> None:
    files = [("pip.conf", "[global]\ncert = /from/file\n")]
    found = collect({"SSL_CERT_FILE": "/c"}, files, bundles=[]).ca
    assert found is not None
    assert found.value == "/from/file"


def test_without_any_bundle_the_image_trusts_its_own() -> None:
    assert collect({}, [], bundles=[]).ca is None


def test_a_bundle_that_is_missing_or_holds_nothing_names_the_culprit(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="PIP_CERT"):
        require_certificates(Setting(str(tmp_path / "none"), "PIP_CERT"))
    (tmp_path / "der").write_bytes(b"\x30\x82\xff")
    with pytest.raises(OperatorError, match="no PEM certificate"):
        require_certificates(Setting(str(tmp_path / "der"), "PIP_CERT"))
    (tmp_path / "pem").write_text(CERTIFICATE)
    assert require_certificates(Setting(str(tmp_path / "pem"), "PIP_CERT")) == CERTIFICATE


def test_rendered_file_is_read_back_by_pips_own_kind_of_parser() -> None:
    settings = collect(
        {
            "PIP_EXTRA_INDEX_URL": "https://a.example/simple https://b.example/simple",
            "PIP_FIND_LINKS": "/wheels https://files.example/wheels/",
        },
        [],
        bundles=[],
    )
    parser = configparser.RawConfigParser()
    parser.read_string(settings.render(ca="/build/host/ca.pem", wheels="/build/host/wheels"))
    section = parser["global"]
    assert section["extra-index-url"].split() == [
        "https://a.example/simple",
        "https://b.example/simple",
    ]
    assert section["find-links"].split() == ["https://files.example/wheels/", "/build/host/wheels"]
    assert section["cert"] == "/build/host/ca.pem"


def test_a_local_directory_without_useful_wheels_leaves_no_trace() -> None:
    settings = collect({"PIP_FIND_LINKS": "/wheels"}, [], bundles=[])
    assert "find-links" not in settings.render(ca=None, wheels=None)


def test_local_directories_are_paths_and_file_addresses_that_exist(tmp_path: Path) -> None:
    settings = collect(
        {"PIP_FIND_LINKS": f"{tmp_path} {tmp_path.as_uri()} /not/there https://x.example/"},
        [],
        bundles=[],
    )
    assert settings.local_directories() == [tmp_path, tmp_path]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://localhost:3141/root/pypi", True),
        ("http://user:secret@127.0.0.1/simple", True),
        ("http://[::1]:80/", True),
        ("localhost:3128", True),
        ("https://index.example/simple", False),
        ("https://localhost.example.org/", False),
    ],
)
def test_addresses_of_this_machine_need_its_network(url: str, *, expected: bool) -> None:
    assert is_loopback(url) is expected


def test_an_index_on_this_machine_makes_the_build_share_its_network() -> None:
    assert collect({"PIP_INDEX_URL": "http://localhost:3141/"}, [], []).needs_host_network()
    assert not collect({"PIP_INDEX_URL": "https://i.example/"}, [], []).needs_host_network()


def test_no_configuration_file_is_read_when_the_null_device_is_named() -> None:
    assert configuration_files({"PIP_CONFIG_FILE": "/dev/null"}, Path("/home/u")) == []


def test_the_file_that_a_variable_names_is_the_strongest() -> None:
    files = configuration_files({"PIP_CONFIG_FILE": "/my/pip.conf"}, Path("/home/u"))
    assert files[-1] == Path("/my/pip.conf")
    assert Path("/home/u/.config/pip/pip.conf") in files

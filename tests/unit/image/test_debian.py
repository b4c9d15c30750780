from __future__ import annotations

import pytest

from appliance.image.debian import (
    PATH_RULES,
    Mirror,
    acquire_settings,
    mirror,
    proxy_settings,
)

DEB822 = """\
Types: deb
# a comment
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb deb-src
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main contrib
"""
ONE_LINE = """\
# deb http://commented.example/debian bookworm main
deb [arch=amd64 signed-by=/k.gpg] https://mirror.example/debian bookworm main contrib
deb https://mirror.example/debian bookworm-updates main
deb http://security.example/debian-security bookworm-security main
deb-src https://source.example/debian bookworm main
"""
OLD = """\
deb http://old.example/debian-security bullseye/updates main
deb http://old.example/debian bullseye main
"""
UBUNTU = """\
Types: deb
URIs: http://archive.example/ubuntu/
Suites: noble noble-updates
Components: main universe
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            DEB822,
            Mirror("http://mirror.example/debian", "http://mirror.example/debian-security"),
        ),
        (
            ONE_LINE,
            Mirror("https://mirror.example/debian", "http://security.example/debian-security"),
        ),
        (
            OLD,
            Mirror("http://old.example/debian", "http://old.example/debian-security"),
        ),
        (UBUNTU, None),
        (DEB822.replace("Types: deb", "Enabled: no\nTypes: deb"), None),
        ("deb http://vendor.example/apt stable vendor\n", None),
        ("deb cdrom:[Debian]/ bookworm main\n", None),
        ("", None),
    ],
)
def test_the_hosts_debian_mirror_is_found(text: str, expected: Mirror | None) -> None:
    assert mirror([text]) == expected


def test_sources_name_the_release_that_we_build_on() -> None:
    both = Mirror("http://m.example/debian", "http://m.example/security")
    assert both.sources("trixie") == [
        "deb http://m.example/debian trixie main",
        "deb http://m.example/debian trixie-updates main",
        "deb http://m.example/security trixie-security main",
    ]
    assert len(Mirror("http://m.example/debian").sources()) == 2


DUMP = """\
APT::Architecture "amd64";
APT::Update::Post-Invoke:: "rm -rf /";
Acquire::http::Proxy "http://proxy.example:3128";
Acquire::https::Proxy::internal.example "DIRECT";
Acquire::Retries "5";
Acquire::IndexTargets::deb::Packages::MetaKey "x";
Dir::Etc "etc/apt";
"""


def test_only_settings_about_fetching_reach_the_private_apt() -> None:
    assert acquire_settings(DUMP).splitlines() == DUMP.splitlines()[2:6]


def test_only_proxies_reach_the_build() -> None:
    assert proxy_settings(DUMP).splitlines() == DUMP.splitlines()[2:4]


def test_licences_stay_while_documents_go() -> None:
    rules = list(PATH_RULES)
    assert rules.index("path-exclude=/usr/share/doc/*") < rules.index(
        "path-include=/usr/share/doc/*/copyright"
    )

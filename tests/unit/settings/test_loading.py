"""Where each value comes from, and what an operator is told who got one wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.errors import OperatorError
from appliance.settings import Component, load
from tests.unit.support import unprivileged

SECRET = "hunter2-must-not-be-seen"
FERNET = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


@pytest.fixture
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty `zoe.toml` that is read instead of this machine's."""
    path = tmp_path / "zoe.toml"
    path.touch()
    monkeypatch.setenv("ZOE_CONFIG", str(path))
    return path


def mistakes() -> list[str]:
    with pytest.raises(OperatorError) as caught:
        load()
    return caught.value.line().splitlines()


def test_defaults_make_a_whole_appliance(configuration: Path) -> None:
    loaded = load()
    assert loaded.settings.components == tuple(Component)
    assert loaded.settings.port == 4200
    assert loaded.settings.engine == "sqlite"
    assert set(loaded.origins.values()) == {"default"}
    assert loaded.file == configuration


def test_file_wins_over_default_and_environment_over_file(
    configuration: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration.write_text("port = 5000\nworker_limit = 3\nadmin_user = 'ada'\n")
    monkeypatch.setenv("ZOE_PORT", "6000")
    loaded = load()
    assert (loaded.settings.port, loaded.settings.worker_limit) == (6000, 3)
    assert loaded.origins["port"] == "ZOE_PORT in the environment"
    assert loaded.origins["worker_limit"] == str(configuration)
    assert loaded.origins["host"] == "default"


def test_lists_are_written_with_commas_or_in_toml(
    configuration: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration.write_text("projects = ['/a', '/b']\n")
    monkeypatch.setenv("ZOE_COMPONENTS", "worker, server,worker")
    settings = load().settings
    assert settings.projects == ("/a", "/b")
    assert settings.components == (Component.SERVER, Component.WORKER)


def test_secret_comes_from_a_file_without_its_last_line_break(
    configuration: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration.write_text("admin_password = 'of the file'\n")
    secret = tmp_path / "password"
    secret.write_text(f" {SECRET} \r\n")
    monkeypatch.setenv("ZOE_ADMIN_PASSWORD_FILE", str(secret))
    loaded = load()
    assert loaded.settings.admin_password is not None
    assert loaded.settings.admin_password.get_secret_value() == f" {SECRET} "
    assert loaded.origins["admin_password"] == "ZOE_ADMIN_PASSWORD_FILE in the environment"


def test_database_url_may_come_from_a_file(
    configuration: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del configuration
    (tmp_path / "url").write_text("postgresql://u:p@db/prefect\n")
    monkeypatch.setenv("ZOE_DATABASE_FILE", str(tmp_path / "url"))
    assert load().settings.engine == "external"


def test_secret_given_twice_names_both(
    configuration: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del configuration
    (tmp_path / "password").write_text(SECRET)
    monkeypatch.setenv("ZOE_ADMIN_PASSWORD", SECRET)
    monkeypatch.setenv("ZOE_ADMIN_PASSWORD_FILE", str(tmp_path / "password"))
    (line,) = mistakes()
    assert "ZOE_ADMIN_PASSWORD and ZOE_ADMIN_PASSWORD_FILE are both set" in line
    assert SECRET not in line


def test_absent_secret_file(configuration: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del configuration
    monkeypatch.setenv("ZOE_ADMIN_PASSWORD_FILE", "/nowhere/password")
    (line,) = mistakes()
    assert "/nowhere/password cannot be read: No such file or directory" in line
    assert "ZOE_ADMIN_PASSWORD_FILE in the environment" in line


def test_unreadable_secret_file(public_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = public_dir / "password"
    secret.write_text(SECRET)
    secret.chmod(0)
    (public_dir / "zoe.toml").touch(0o644)
    monkeypatch.setenv("ZOE_CONFIG", str(public_dir / "zoe.toml"))
    monkeypatch.setenv("ZOE_ADMIN_PASSWORD_FILE", str(secret))
    (line,) = unprivileged(mistakes)
    assert f"{secret} cannot be read: Permission denied" in line
    assert "uid" in line


def test_binary_secret_file(
    configuration: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del configuration
    (tmp_path / "password").write_bytes(b"\xff\xfe\x00")
    monkeypatch.setenv("ZOE_ADMIN_PASSWORD_FILE", str(tmp_path / "password"))
    (line,) = mistakes()
    assert "it is not UTF-8 text" in line


@pytest.mark.parametrize(
    ("variable", "hint"),
    [
        ("ZOE_ADMIN_PASWORD", "did you mean ZOE_ADMIN_PASSWORD?"),
        ("ZOE_PROJECT", "did you mean ZOE_PROJECTS?"),
        ("ZOE_ENCRYPTIONKEY_FILE", "did you mean ZOE_ENCRYPTION_KEY_FILE?"),
        # Only a secret may come from a file.
        ("ZOE_PORT_FILE", "is not a setting"),
        ("ZOE_QQQQQQQQ", "zoe config show"),
    ],
)
def test_unknown_variable(
    configuration: Path, monkeypatch: pytest.MonkeyPatch, variable: str, hint: str
) -> None:
    del configuration
    monkeypatch.setenv(variable, SECRET)
    (line,) = mistakes()
    assert line.startswith(f"{variable} is not a setting (environment)")
    assert hint in line
    assert SECRET not in line


@pytest.mark.parametrize(
    ("text", "key", "hint"),
    [
        ("prot = 1", "prot", "did you mean port?"),
        ("[server]\nport = 1", "server", "is not a setting"),
    ],
)
def test_unknown_key(configuration: Path, text: str, key: str, hint: str) -> None:
    configuration.write_text(text)
    (line,) = mistakes()
    assert line.startswith(f"{key} is not a setting ({configuration})")
    assert hint in line


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("ZOE_PORT", "http", ["ZOE_PORT 'http'", "valid integer", "a port number from 1 to 65535"]),
        ("ZOE_PORT", "70000", ["ZOE_PORT '70000'", "less than or equal to 65535"]),
        ("ZOE_PORT", "", ["ZOE_PORT ''", "a port number"]),
        ("ZOE_AUTH", "perhaps", ["ZOE_AUTH 'perhaps'", "give true or false"]),
        ("ZOE_COMPONENTS", "server,wrker", ["ZOE_COMPONENTS 'wrker'", "server, worker"]),
        ("ZOE_COMPONENTS", " , ", ["names no component"]),
        ("ZOE_DATA_DIR", "data", ["'data' is a relative path", "give an absolute path"]),
        ("ZOE_PROJECTS", "/a,b", ["'b' is neither an absolute directory"]),
        ("ZOE_STOP_GRACE", "5", ["greater than or equal to 6", "whole seconds"]),
        ("ZOE_PUBLIC_URL", "example.org", ["is not an http or https URL with a host"]),
        ("ZOE_PUBLIC_URL", "https://example.org/?a=1", ["carries a query"]),
        ("ZOE_PUBLIC_URL", "https://example.org:port", ["ZOE_PUBLIC_URL"]),
        ("ZOE_ADMIN_USER", "a:b", ["holds a colon"]),
        ("ZOE_WORK_POOL", "a/b", ["holds one of / %"]),
        ("ZOE_WORK_POOL", "Prefect-pool", ["reserved"]),
        ("ZOE_DATABASE", "external", ["none of sqlite, postgres"]),
        ("ZOE_DATABASE", "mysql://u:hidden@h/d", ["none of sqlite, postgres"]),
        ("ZOE_DATABASE", "postgresql://u:hidden@h", ["lacks a host or the name of a database"]),
        ("ZOE_DATABASE", "postgresql://u:hidden@h:x/d", ["is not a well-formed URL"]),
        ("ZOE_ENCRYPTION_KEY", "hidden", ["is not a key", "32 bytes in URL-safe base64"]),
        ("ZOE_ADMIN_PASSWORD", "", ["is empty"]),
        ("ZOE_ADMIN_PASSWORD", "hidden\nline", ["more than one line"]),
    ],
)
def test_wrong_value_in_words(
    configuration: Path,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
    words: list[str],
) -> None:
    del configuration
    monkeypatch.setenv(variable, value)
    (line,) = mistakes()
    assert line.startswith(variable)
    assert f"({variable} in the environment)" in line
    assert [word for word in words if word not in line] == []
    assert "hidden" not in line


def test_wrong_type_in_the_file(configuration: Path) -> None:
    configuration.write_text("port = [1]\ndatabase = 5\nprojects = '/a'\n")
    port, database = sorted(mistakes(), reverse=True)
    assert port.startswith("ZOE_PORT '[1]' is not valid: input should be a valid integer")
    assert str(configuration) in port
    assert database.startswith("ZOE_DATABASE is not valid: input should be a valid string")


def test_password_in_a_url_is_not_repeated(
    configuration: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del configuration
    monkeypatch.setenv("ZOE_COMPONENTS", "worker")
    monkeypatch.setenv("ZOE_API_URL", f"https://admin:{SECRET}@zoe.example.org/api")
    text = "\n".join(mistakes())
    assert "ZOE_API_URL" in text
    assert "credentials" in text
    assert SECRET not in text


def test_all_mistakes_of_all_kinds_at_once(
    configuration: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration.write_text("prot = 1\nworker_limit = 0\n")
    monkeypatch.setenv("ZOE_PORT", "x")
    monkeypatch.setenv("ZOE_HOOST", "y")
    monkeypatch.setenv("ZOE_ADMIN_PASSWORD_FILE", "/nowhere/a")
    monkeypatch.setenv("ZOE_ENCRYPTION_KEY_FILE", "/nowhere/b")
    lines = mistakes()
    assert len(lines) == 6
    for start in ("ZOE_HOOST", "prot", "ZOE_PORT", "ZOE_WORKER_LIMIT"):
        assert [line for line in lines if line.startswith(start)], start
    assert [line for line in lines if "/nowhere/a" in line]
    assert [line for line in lines if "/nowhere/b" in line]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (
            {"ZOE_TLS_CERT_FILE": "/c"},
            "ZOE_TLS_CERT_FILE is set without ZOE_TLS_KEY_FILE (settings); set both",
        ),
        ({"ZOE_TLS_KEY_FILE": "/k"}, "ZOE_TLS_KEY_FILE is set without ZOE_TLS_CERT_FILE"),
        ({"ZOE_API_URL": "http://h/api"}, "but ZOE_COMPONENTS runs one here"),
        ({"ZOE_COMPONENTS": "worker"}, "set ZOE_API_URL"),
        (
            {"ZOE_COMPONENTS": "server,worker", "ZOE_DATABASE": "postgres"},
            "add database to ZOE_COMPONENTS",
        ),
    ],
)
def test_combinations(
    configuration: Path, monkeypatch: pytest.MonkeyPatch, values: dict[str, str], words: str
) -> None:
    del configuration
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    (line,) = mistakes()
    assert words in line
    # The remedy stands once, behind the place.
    assert line.count(";") == 1


def test_toml_syntax_error_has_its_line(configuration: Path) -> None:
    configuration.write_text("port = 1\nhost =\n")
    (line,) = mistakes()
    assert "it is not valid TOML" in line
    assert "line 2" in line
    assert str(configuration) in line


def test_toml_that_is_not_text(configuration: Path) -> None:
    configuration.write_bytes(b"\xff\xfe")
    (line,) = mistakes()
    assert "it is not valid TOML" in line


def test_named_configuration_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOE_CONFIG", "/nowhere/zoe.toml")
    (line,) = mistakes()
    assert line == (
        "there is no configuration file /nowhere/zoe.toml (ZOE_CONFIG in the environment); "
        "name a file that is there, or unset ZOE_CONFIG"
    )


def test_configuration_in_a_closed_directory(
    public_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = public_dir / "closed"
    closed.mkdir(mode=0o700)
    (closed / "zoe.toml").write_text("port = 1")
    # For one who is not root the owner's own bits count.
    closed.chmod(0)
    monkeypatch.setenv("ZOE_CONFIG", str(closed / "zoe.toml"))
    (line,) = unprivileged(mistakes)
    closed.chmod(0o700)
    assert "Permission denied" in line
    assert str(closed) in line


def test_unreadable_configuration(public_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = public_dir / "zoe.toml"
    path.write_text("port = 1")
    path.chmod(0)
    monkeypatch.setenv("ZOE_CONFIG", str(path))
    (line,) = unprivileged(mistakes)
    assert "Permission denied" in line
    assert f"({path})" in line


def test_the_file_names_files_of_secrets(configuration: Path, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(f"{SECRET}\n")
    configuration.write_text(f"admin_password_file = '{tmp_path}/password'\n")
    loaded = load()
    assert loaded.settings.admin_password is not None
    assert loaded.settings.admin_password.get_secret_value() == SECRET
    assert loaded.origins["admin_password"] == str(configuration)


def test_the_environment_wins_over_a_secret_file_that_the_file_names(
    configuration: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "password").write_text("theirs\n")
    configuration.write_text(f"admin_password_file = '{tmp_path}/password'\n")
    monkeypatch.setenv("ZOE_ADMIN_PASSWORD", SECRET)
    password = load().settings.admin_password
    assert password is not None
    assert password.get_secret_value() == SECRET


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("admin_password = 'a'\nadmin_password_file = '/b'\n", "admin_password_file are both set"),
        ("admin_password_file = 7\n", "admin_password_file is not a path"),
        ("admin_password_file = '/nowhere/a'\n", "/nowhere/a cannot be read: No such file"),
        ("admin_pasword_file = '/a'\n", "did you mean admin_password_file?"),
        ("port_file = '/a'\n", "port_file is not a setting"),
    ],
)
def test_mistakes_with_files_of_secrets_in_the_file(
    configuration: Path, text: str, words: str
) -> None:
    configuration.write_text(text)
    (line,) = mistakes()
    assert words in line
    assert str(configuration) in line

"""The one typed model of every setting; the reference page is made from it.

A field's description says what it does; its `expects` says what a value must look like, and
ends the sentence of every refusal.
"""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

ENV_PREFIX = "ZOE_"


class Component(StrEnum):
    """A part of the appliance that can run here, in the order in which they start."""

    DATABASE = "database"
    SERVER = "server"
    DEPLOYER = "deployer"
    WORKER = "worker"


class DatabaseEngine(StrEnum):
    """Where Prefect keeps its data."""

    SQLITE = "sqlite"
    EMBEDDED_POSTGRES = "postgres"
    EXTERNAL_POSTGRES = "external"


class OnCrash(StrEnum):
    """What an operator wants for flow runs that were cut short."""

    CRASH = "crash"
    RESCHEDULE = "reschedule"


def _described(description: str, expects: str, default: Any = None) -> Any:
    return Field(default=default, description=description, json_schema_extra={"expects": expects})


class Settings(BaseSettings):
    """Every setting of Zoe: from `zoe.toml` by its name, from the environment as `ZOE_<NAME>`.

    A secret may also come from a file named by `ZOE_<NAME>_FILE`. The environment wins over the
    configuration file; an unknown name in either is refused.
    """

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, extra="forbid", frozen=True)

    components: Annotated[tuple[Component, ...], NoDecode] = _described(
        "Which parts run here. `worker` alone, with `api_url`, makes an extra worker of a machine.",
        "a comma-separated list of database, server, worker, deployer",
        tuple(Component),
    )
    data_dir: Path = _described(
        "The directory of all state: database, secrets, results, logs. The image sets `/data`.",
        "an absolute path",
        Path("/var/lib/zoe"),
    )
    database: SecretStr = _described(
        "Where Prefect keeps its data: `sqlite` (a file in the data directory), `postgres` "
        "(embedded, in the data directory) or the URL of a PostgreSQL server of your own.",
        "sqlite, postgres, or postgresql://USER:PASSWORD@HOST:PORT/DATABASE",
        SecretStr("sqlite"),
    )
    postgres_bin_dir: Path | None = _described(
        "The directory of PostgreSQL's server programs; found by itself where Debian, Ubuntu or "
        "Red Hat put them. Used with `database = postgres` only.",
        "a directory that holds the program postgres",
    )
    host: str = _described(
        "The address on which the server listens.",
        "an IP address of this machine, such as 0.0.0.0 or 127.0.0.1",
        "0.0.0.0",  # noqa: S104 - a published port needs it; the password is on by default
    )
    port: int = Field(
        default=4200,
        ge=1,
        le=65535,
        description="The port of UI and API.",
        json_schema_extra={"expects": "a port number from 1 to 65535"},
    )
    public_url: str | None = _described(
        "The address under which browsers reach Zoe, where that differs from what they send in "
        "the Host header: behind a reverse proxy, or below a path such as "
        "`https://example.org/prefect`. A proxy may strip that path or keep it.",
        "an http:// or https:// URL without query or fragment",
    )
    tls_cert_file: Path | None = _described(
        "The server's certificate with its chain (PEM). With `tls_key_file` it turns TLS on.",
        "the path of a readable PEM file",
    )
    tls_key_file: Path | None = _described(
        "The private key of `tls_cert_file` (PEM, without passphrase).",
        "the path of a readable PEM file",
    )
    auth: bool = _described(
        "Whether UI and API ask for user and password. Turn it off only where something in "
        "front of Zoe does the asking.",
        "true or false",
        True,
    )
    admin_user: str = _described(
        "The one user of UI and API.", "a name without colon or white space", "admin"
    )
    admin_password: SecretStr | None = _described(
        "The password of `admin_user`. Left out, one is generated on the first start and kept in "
        "`secrets/admin_password` of the data directory. An extra worker needs the server's.",
        "a non-empty text in one line",
    )
    encryption_key: SecretStr | None = _described(
        "The key that encrypts secret blocks in the database. Left out, one is generated on the "
        "first start and kept in `secrets/encryption_key` of the data directory.",
        "32 bytes in URL-safe base64, as "
        "`python -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())'`"
        " prints them",
    )
    api_url: str | None = _described(
        "The API of a server that runs elsewhere, for machines without the component `server`.",
        "a URL such as https://zoe.example.org:4200/api",
    )
    tls_ca_file: Path | None = _described(
        "The certificate authority that signed the certificate of `api_url`, where the system "
        "does not know it (PEM).",
        "the path of a readable PEM file",
    )
    work_pool: str = _described(
        "The work pool that the worker here serves; made when it is missing.",
        "a name without / or % that does not begin with prefect",
        "default",
    )
    worker_name: str | None = _described(
        "The name under which the worker here appears; the host's name when left out.",
        "a name without / or %",
    )
    worker_limit: int = Field(
        default=10,
        ge=1,
        le=10_000,
        description="How many flow runs the worker here runs at once.",
        json_schema_extra={"expects": "a whole number from 1 to 10000"},
    )
    projects: Annotated[tuple[Path, ...], NoDecode] = _described(
        "The projects whose `deployments/*.yaml` the deployer applies.",
        "a comma-separated list of absolute directories",
        (Path("/opt/zoe/project"),),
    )
    deploy_interval: float = Field(
        default=15.0,
        ge=1,
        le=86_400,
        description="Seconds between two looks of the deployer at projects and server.",
        json_schema_extra={"expects": "seconds from 1 to 86400"},
    )
    on_crash: OnCrash = _described(
        "What becomes of a flow run that was cut short, by a stop that could not wait or by the "
        "death of its process: `crash` marks it Crashed, `reschedule` gives it another try.",
        "crash or reschedule",
        OnCrash.CRASH,
    )
    max_reschedules: int = Field(
        default=3,
        ge=1,
        le=1000,
        description="How many further tries one flow run gets with `on_crash = reschedule`.",
        json_schema_extra={"expects": "a whole number from 1 to 1000"},
    )
    stop_grace: int = Field(
        default=9,
        ge=6,
        le=86_400,
        description="Seconds in which everything must have stopped after SIGTERM. Keep it below "
        "the patience of whoever sends SIGTERM: `docker stop` waits 10 seconds unless told "
        "otherwise by `--stop-timeout` or `-t`.",
        json_schema_extra={"expects": "whole seconds from 6 to 86400"},
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take values only from what `appliance.settings.loading` has gathered.

        It asks pydantic-settings' own sources itself, to know which of them gave each value.
        """
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    @field_validator("components", "projects", mode="before")
    @classmethod
    def _split_list(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("components")
    @classmethod
    def _in_start_order(cls, value: tuple[Component, ...]) -> tuple[Component, ...]:
        if not value:
            raise ValueError("names no component")
        return tuple(component for component in Component if component in value)

    @field_validator("data_dir", "projects")
    @classmethod
    def _absolute(cls, value: Path | tuple[Path, ...]) -> Path | tuple[Path, ...]:
        for path in value if isinstance(value, tuple) else (value,):
            if not path.is_absolute():
                raise ValueError(f"'{path}' is a relative path")
        return value

    @field_validator("public_url", "api_url")
    @classmethod
    def _http_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            parts = urlsplit(value)
            port_is_valid = parts.port != 0
        except ValueError:
            raise ValueError("is not a well-formed URL") from None
        if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_valid:
            raise ValueError("is not an http or https URL with a host")
        if parts.query or parts.fragment or parts.username or parts.password:
            raise ValueError("carries a query, a fragment or credentials")
        return value.rstrip("/")

    @field_validator("admin_user")
    @classmethod
    def _user_without_colon(cls, value: str) -> str:
        if not re.fullmatch(r"[^\s:]+", value):
            raise ValueError("is empty or holds a colon or white space")
        return value

    @field_validator("admin_password")
    @classmethod
    def _password_in_one_line(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.fullmatch(r"[^\r\n]+", value.get_secret_value()):
            raise ValueError("is empty or has more than one line")
        return value

    @field_validator("encryption_key")
    @classmethod
    def _fernet_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.fullmatch(r"[A-Za-z0-9_-]{43}=", value.get_secret_value()):
            raise ValueError("is not a key")
        return value

    @field_validator("work_pool", "worker_name")
    @classmethod
    def _prefect_name(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[^/%&><]+", value):
            raise ValueError("is empty or holds one of / % & > <")
        return value

    @field_validator("work_pool")
    @classmethod
    def _pool_not_reserved(cls, value: str) -> str:
        if value.lower().startswith("prefect"):
            raise ValueError("begins with a word that Prefect has reserved")
        return value

    @field_validator("database")
    @classmethod
    def _known_database(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value()
        if text in {DatabaseEngine.SQLITE, DatabaseEngine.EMBEDDED_POSTGRES}:
            return value
        try:
            parts = urlsplit(text)
            port_is_valid = parts.port is None or parts.port > 0
        except ValueError:
            raise ValueError("is not a well-formed URL") from None
        if parts.scheme not in {"postgresql", "postgres", "postgresql+asyncpg"}:
            raise ValueError("is none of sqlite, postgres and a postgresql:// URL")
        if not parts.hostname or not parts.path.strip("/") or not port_is_valid:
            raise ValueError("lacks a host or the name of a database")
        return value

    @model_validator(mode="after")
    def _certificate_with_key(self) -> Self:
        if (self.tls_cert_file is None) != (self.tls_key_file is None):
            given, missing = ("tls_cert_file", "tls_key_file")
            if self.tls_cert_file is None:
                given, missing = missing, given
            raise ValueError(
                f"{ENV_PREFIX}{given.upper()} is set without {ENV_PREFIX}{missing.upper()}; "
                "set both, or neither"
            )
        return self

    @model_validator(mode="after")
    def _server_here_or_elsewhere(self) -> Self:
        if Component.SERVER in self.components and self.api_url is not None:
            raise ValueError(
                "ZOE_API_URL names a server elsewhere, but ZOE_COMPONENTS runs one here; unset "
                "ZOE_API_URL, or leave server and database out of ZOE_COMPONENTS"
            )
        if Component.SERVER not in self.components and self.api_url is None:
            raise ValueError(
                "ZOE_COMPONENTS runs no server here and ZOE_API_URL names none elsewhere; set "
                "ZOE_API_URL"
            )
        return self

    @model_validator(mode="after")
    def _authority_of_a_server_elsewhere(self) -> Self:
        if self.tls_ca_file is not None and self.api_url is None:
            raise ValueError(
                "ZOE_TLS_CA_FILE is for the server that ZOE_API_URL names, and ZOE_API_URL is not "
                "set; unset ZOE_TLS_CA_FILE"
            )
        return self

    @model_validator(mode="after")
    def _embedded_database_runs_here(self) -> Self:
        if (
            Component.SERVER in self.components
            and Component.DATABASE not in self.components
            and self.engine is DatabaseEngine.EMBEDDED_POSTGRES
        ):
            raise ValueError(
                "ZOE_DATABASE is postgres, the embedded one, but ZOE_COMPONENTS does not run "
                "database; add database to ZOE_COMPONENTS, or give a postgresql:// URL"
            )
        return self

    @property
    def engine(self) -> DatabaseEngine:
        """The kind of database that `database` names."""
        text = self.database.get_secret_value()
        if text in {DatabaseEngine.SQLITE, DatabaseEngine.EMBEDDED_POSTGRES}:
            return DatabaseEngine(text)
        return DatabaseEngine.EXTERNAL_POSTGRES

    @property
    def tls(self) -> bool:
        """Whether the server here speaks TLS."""
        return self.tls_cert_file is not None

    @property
    def base_path(self) -> str:
        """The path below which the UI lives, such as `/prefect`; empty at the root."""
        return urlsplit(self.public_url).path.rstrip("/") if self.public_url else ""

    @property
    def runs_here(self) -> frozenset[Component]:
        """The components that this machine runs."""
        return frozenset(self.components)

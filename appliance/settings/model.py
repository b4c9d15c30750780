"""The one typed model of every setting; the reference page is made from it.

A field's description says what it does; its `expects` says what a value must look like, and
ends the sentence of every refusal.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from appliance.settings import values

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


_HttpUrl = Annotated[str, AfterValidator(values.http_url)]
_PrefectName = Annotated[str, AfterValidator(values.prefect_name)]
_ArtifactName = Annotated[str, AfterValidator(values.slug)]
_SecretLine = Annotated[SecretStr, AfterValidator(values.one_line)]
_Cron = Annotated[str | None, BeforeValidator(values.cron)]


def _described(description: str, expects: str, default: Any = None) -> Any:
    return Field(default=default, description=description, json_schema_extra={"expects": expects})


class Settings(BaseSettings):
    """Every setting of Zoe: from `zoe.toml` by its name, from the environment as `ZOE_<NAME>`.

    A secret may also come from a file named by `ZOE_<NAME>_FILE`. The environment wins over the
    configuration file; an unknown name in either is refused.
    """

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, extra="forbid", frozen=True)

    components: Annotated[tuple[Component, ...], NoDecode, BeforeValidator(values.split_list)] = (
        _described(
            "Which parts run here. `worker` alone, with `api_url`, makes an extra worker.",
            "a comma-separated list of database, server, worker, deployer",
            tuple(Component),
        )
    )
    data_dir: Annotated[Path, AfterValidator(values.absolute)] = _described(
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
    public_url: _HttpUrl | None = _described(
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
    admin_user: Annotated[str, AfterValidator(values.user_name)] = _described(
        "The one user of UI and API.", "a name without colon or white space", "admin"
    )
    admin_password: _SecretLine | None = _described(
        "The password of `admin_user`. Left out, one is generated on the first start and kept in "
        "`secrets/admin_password` of the data directory. An extra worker needs the server's.",
        "a non-empty text in one line",
    )
    encryption_key: Annotated[SecretStr, AfterValidator(values.fernet_key)] | None = _described(
        "The key that encrypts secret blocks in the database. Left out, one is generated on the "
        "first start and kept in `secrets/encryption_key` of the data directory.",
        "32 bytes in URL-safe base64, as "
        "`python -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())'`"
        " prints them",
    )
    api_url: _HttpUrl | None = _described(
        "The API of a server that runs elsewhere, for machines without the component `server`.",
        "a URL such as https://zoe.example.org:4200/api",
    )
    tls_ca_file: Path | None = _described(
        "The certificate authority that signed the certificate of `api_url`, where the system "
        "does not know it (PEM).",
        "the path of a readable PEM file",
    )
    work_pool: Annotated[_PrefectName, AfterValidator(values.unreserved_name)] = _described(
        "The work pool that the worker here serves; made when it is missing.",
        "a name without / or % that does not begin with prefect",
        "default",
    )
    worker_name: _PrefectName | None = _described(
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
    warm_start: bool = _described(
        "Whether flow runs are forks of a process that has imported Prefect already. "
        "The same on every machine that serves the work pool.",
        "true or false",
        True,
    )
    preload: Annotated[
        tuple[str, ...],
        NoDecode,
        BeforeValidator(values.split_list),
        AfterValidator(values.module_names),
    ] = _described(
        "Libraries that flow runs find imported already with `warm_start`. Installed ones that "
        "start no thread when they are imported; never a project's own modules.",
        "a comma-separated list of modules, such as pandas,sqlalchemy",
        (),
    )
    projects: Annotated[
        tuple[str, ...],
        NoDecode,
        BeforeValidator(values.split_list),
        AfterValidator(values.projects),
    ] = _described(
        "The projects whose `deployments/*.yaml` the deployer applies: directories, and git "
        "repositories with a branch, tag or commit after `@` and a directory in them after `#`, "
        "such as `https://git.example.org/team/flows.git@main#etl`.",
        "a comma-separated list of absolute directories and addresses of git repositories",
        ("/opt/zoe/project",),
    )
    git_interval: float = Field(
        default=60.0,
        ge=1,
        le=86_400,
        description="Seconds between two fetches of a git repository, give or take a fifth. "
        "`zoe deploy` fetches at once.",
        json_schema_extra={"expects": "seconds from 1 to 86400"},
    )
    git_token: SecretStr | None = _described(
        "The token that git repositories want to see over https. One token goes to one host; for "
        "several hosts give a line `https://USER:TOKEN@HOST` for each.",
        "a token, or lines of the form https://USER:TOKEN@HOST",
    )
    git_ssh_key_file: Path | None = _described(
        "The private key for git repositories over ssh, without a passphrase.",
        "the path of a private key of OpenSSH",
    )
    git_known_hosts_file: Path | None = _described(
        "The keys of hosts with git repositories, as `ssh-keyscan` prints them. Left out, the key "
        "that a host shows the first time is noted in the data directory, and only that is "
        "accepted.",
        "the path of a file in OpenSSH's form known_hosts",
    )
    git_ca_file: Path | None = _described(
        "The authorities for git repositories over https, in place of the system's (PEM).",
        "the path of a PEM file",
    )
    deploy_as: _ArtifactName | None = _described(
        "The name under which the deployer records on the server what it has made, and may remove. "
        "`appliance` when left out; for `zoe deploy` to another machine's server it is made of "
        "`projects`.",
        "small letters, digits and hyphens",
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
    lost_after: int = Field(
        default=180,
        ge=60,
        le=86_400,
        description="Seconds without a sign of life after which a worker on another machine counts "
        "as dead; what becomes of its flow runs is for `on_crash` to say. Time in which the server "
        "here was away does not count.",
        json_schema_extra={"expects": "whole seconds from 60 to 86400"},
    )
    backup_schedule: _Cron = _described(
        "When a backup is made, in the machine's time zone.",
        "five cron fields such as `0 3 * * *`, or off",
        "0 3 * * *",
    )
    backup_keep: int = Field(
        default=7,
        ge=1,
        le=10_000,
        description="How many backups are kept; older ones are removed after a new one is whole.",
        json_schema_extra={"expects": "a whole number from 1 to 10000"},
    )
    backup_target: Annotated[str, AfterValidator(values.backup_target)] | None = _described(
        "Where backups go: a directory, better on another disk, or an S3-compatible bucket. Left "
        "out, `backups` in the data directory.",
        "an absolute directory, or s3://BUCKET or s3://BUCKET/PREFIX",
    )
    backup_passphrase: _SecretLine | None = _described(
        "Encrypts backups. Keep it elsewhere, too: without it they cannot be restored.",
        "a non-empty text in one line",
    )
    backup_s3_endpoint: _HttpUrl | None = _described(
        "The address of an S3-compatible service; left out, Amazon's for the region.",
        "an http:// or https:// URL",
    )
    backup_s3_region: str = _described(
        "The region of the bucket.", "a region's name, such as us-east-1", "us-east-1"
    )
    backup_s3_access_key: _SecretLine | None = _described(
        "The access key of the bucket. Left out, the machine's own role is asked for one.",
        "a non-empty text in one line",
    )
    backup_s3_secret_key: _SecretLine | None = _described(
        "The secret that belongs to `backup_s3_access_key`.", "a non-empty text in one line"
    )
    drill_schedule: _Cron = _described(
        "When the newest backup is restored into a scratch directory, started and counted, to "
        "prove that it can be.",
        "five cron fields such as `0 5 * * 0`, or off",
        "0 5 * * 0",
    )
    retention_runs: int = Field(
        default=90,
        ge=0,
        le=36_500,
        description="Days after which finished flow runs are removed, with their task runs, logs "
        "and artifacts; 0 keeps them for ever.",
        json_schema_extra={"expects": "whole days from 0 to 36500"},
    )
    retention_events: int = Field(
        default=7,
        ge=1,
        le=36_500,
        description="Days after which events are removed.",
        json_schema_extra={"expects": "whole days from 1 to 36500"},
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

    @field_validator("components")
    @classmethod
    def _in_start_order(cls, value: tuple[Component, ...]) -> tuple[Component, ...]:
        if not value:
            raise ValueError("names no component")
        return tuple(component for component in Component if component in value)

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
    def _both_keys_of_the_bucket(self) -> Self:
        if (self.backup_s3_access_key is None) != (self.backup_s3_secret_key is None):
            raise ValueError(
                "one of ZOE_BACKUP_S3_ACCESS_KEY and ZOE_BACKUP_S3_SECRET_KEY is set without the "
                "other; set both, or neither"
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

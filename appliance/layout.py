"""Every path that Zoe reads or writes, in one place."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

DEFAULT_RUNTIME_DIR = "/run/zoe"
DEFAULT_TEMPLATES_DIR = "/opt/zoe/templates"
DEFAULT_CONFIG_FILE = "/etc/zoe/zoe.toml"


def runtime_dir() -> Path:
    """Return the directory for sockets and reports, which need not outlive a reboot.

    It comes from `ZOE_RUNTIME_DIR` alone, never from the configuration file: `zoe health` runs
    every few seconds and must find it without loading the settings model (0.4 s of CPU).
    """
    return Path(os.environ.get("ZOE_RUNTIME_DIR") or DEFAULT_RUNTIME_DIR)


def templates_dir() -> Path:
    """Return the directory of what is made ahead (`database.templates`, `server.ui`)."""
    return Path(os.environ.get("ZOE_TEMPLATES") or DEFAULT_TEMPLATES_DIR)


@dataclass(frozen=True)
class Runtime:
    """What is there only while Zoe runs: sockets, reports, heartbeats."""

    root: Path

    @classmethod
    def from_environment(cls) -> Runtime:
        """Return the layout of the directory that `runtime_dir` names."""
        return cls(runtime_dir())

    @property
    def supervisor_socket(self) -> Path:
        """The Unix socket on which supervisord takes commands."""
        return self.root / "supervisor.sock"

    @property
    def supervisor_configuration(self) -> Path:
        """The configuration generated for supervisord; it holds no secret."""
        return self.root / "supervisord.conf"

    @property
    def plan(self) -> Path:
        """The programs of this machine and how to probe them, for the conductor (JSON)."""
        return self.root / "plan.json"

    @property
    def supervisor_pid(self) -> Path:
        """Where supervisord leaves its process id."""
        return self.root / "supervisord.pid"

    @property
    def postgres_socket_dir(self) -> Path:
        """The directory of the embedded Postgres' socket: 0700, so it is its own lock."""
        return self.root / "postgres"

    @property
    def health_report(self) -> Path:
        """The conductor's view of every program, renewed every few seconds (JSON)."""
        return self.root / "health.json"

    @property
    def deployer_lock(self) -> Path:
        """Held by whoever makes a pass."""
        return self.root / "deployer.lock"

    @property
    def git(self) -> Path:
        """What git and ssh are to show to repositories: token and key, 0600 in 0700."""
        return self.root / "git"

    @property
    def deployer_report(self) -> Path:
        """What the deployer's last pass did and what it could not do (JSON)."""
        return self.root / "deployer.json"

    @property
    def flow_descriptions(self) -> Path:
        """What flows have said of themselves, for the next one who asks (JSON)."""
        return self.root / "flows.json"

    @property
    def fatal_report(self) -> Path:
        """Which program was given up and why; its presence makes PID 1 exit non-zero (JSON)."""
        return self.root / "fatal.json"

    @property
    def template_socket(self) -> Path:
        """Where flow runs find the process that they are forked from."""
        return self.root / "template.sock"

    @property
    def opening(self) -> Path:
        """There while the server backs up or migrates its database; holds its process id."""
        return self.root / "server.opening"

    @property
    def unwritten_outcomes(self) -> Path:
        """How jobs ended where the data directory cannot take it yet, by their names (JSON)."""
        return self.root / "outcomes.json"

    @property
    def left_outcomes(self) -> Path:
        """The same of jobs run by hand, a file each, until `maintenance` sees them."""
        return self.root / "outcomes"

    @property
    def passwd(self) -> Path:
        """The name of a user that the system does not know; see `appliance.identity`."""
        return self.root / "passwd"

    @property
    def group(self) -> Path:
        """The name of that user's group."""
        return self.root / "group"

    def heartbeat(self, program: str) -> Path:
        """Return the file in which `program` notes that it is alive."""
        return self.root / f"{program}.heartbeat"


@dataclass(frozen=True)
class Layout:
    """What must outlive the container or the machine: everything below the data directory."""

    data: Path

    @property
    def stamp(self) -> Path:
        """Which version of Zoe last used this directory (JSON)."""
        return self.data / "zoe.json"

    @property
    def lock(self) -> Path:
        """Held by the one Zoe that uses this directory."""
        return self.data / "lock"

    @property
    def exchange_journal(self) -> Path:
        """There while entries of this directory are being exchanged for others (JSON)."""
        return self.data / ".exchange.json"

    @property
    def secrets_dir(self) -> Path:
        """Generated secrets, 0700."""
        return self.data / "secrets"

    @property
    def admin_password(self) -> Path:
        """The generated password of the admin user, 0600."""
        return self.secrets_dir / "admin_password"

    @property
    def encryption_key(self) -> Path:
        """The generated key that encrypts secret blocks, 0600."""
        return self.secrets_dir / "encryption_key"

    @property
    def empty_blocks(self) -> Path:
        """Made by an operator whose key is lost: blocks that it encrypted are emptied."""
        return self.secrets_dir / "empty_blocks"

    @property
    def sqlite_file(self) -> Path:
        """The SQLite database, with its -wal and -shm beside it."""
        return self.data / "database" / "prefect.db"

    @property
    def migration(self) -> Path:
        """From which schema to which a migration is under way, and the backup before it (JSON)."""
        return self.data / "migration.json"

    @property
    def promoted(self) -> Path:
        """Where the SQLite database went, if it was promoted to Postgres (JSON)."""
        return self.data / "database" / "promoted.json"

    @property
    def postgres_data(self) -> Path:
        """The embedded Postgres' cluster."""
        return self.data / "postgres"

    @property
    def prefect_home(self) -> Path:
        """Prefect's own home: memo store and profiles."""
        return self.data / "prefect"

    @property
    def results(self) -> Path:
        """Persisted results of flows and tasks."""
        return self.data / "results"

    @property
    def ledger(self) -> Path:
        """Which process runs which flow run, for the worker that comes after a death."""
        return self.data / "worker" / "runs"

    @property
    def archived_ledger(self) -> Path:
        """In an archive: the identity of the ledger of the machine that made it."""
        return self.data / "worker" / "ledger"

    @property
    def projects(self) -> Path:
        """Repositories of projects, with a checkout per commit."""
        return self.data / "projects"

    @property
    def environments(self) -> Path:
        """Python environments of projects, a directory for each set of packages."""
        return self.data / "environments"

    @property
    def drained(self) -> Path:
        """There while an operator wants the worker here to take no runs."""
        return self.data / "worker" / "drained"

    @property
    def backups(self) -> Path:
        """Where backups go unless the settings name another place."""
        return self.data / "backups"

    @property
    def maintenance(self) -> Path:
        """How each job of the program `maintenance` ended the last time (JSON)."""
        return self.data / "maintenance"

    @property
    def ui(self) -> Path:
        """The UI as Prefect rewrites it for its base path."""
        return self.data / "ui"

    @property
    def log_file(self) -> Path:
        """The one log stream; rotated neighbours end in .1, .2 and so on."""
        return self.data / "logs" / "zoe.log"

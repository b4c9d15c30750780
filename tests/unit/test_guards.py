from __future__ import annotations

from pathlib import Path

import pytest

from appliance import guards
from appliance.errors import OperatorError
from appliance.layout import Layout, Runtime
from appliance.settings import Settings
from tests.unit import small_database
from tests.unit.small_database import BEFORE_HEAD, HEAD, new_key
from tests.unit.support import make_settings


class Data:
    """A data directory with a SQLite database, and the guards applied to it."""

    def __init__(self, root: Path) -> None:
        self.layout = Layout(root)
        self.runtime = Runtime(root / "run")

    def keep(self, key: str) -> None:
        self.layout.secrets_dir.mkdir()
        self.layout.encryption_key.write_text(key + "\n")

    def check(self, settings: Settings | None = None) -> None:
        settings = settings or make_settings()
        found = guards.look(settings, self.layout, self.runtime)
        guards.database(settings, self.layout, found)

    def refused(self, settings: Settings | None = None) -> str:
        before = self._files()
        with pytest.raises(OperatorError) as caught:
            self.check(settings)
        assert self._files() == before
        return caught.value.line()

    def _files(self) -> dict[Path, bytes]:
        """Return all but what SQLite puts beside a file that is being read."""
        return {
            path: path.read_bytes()
            for path in self.layout.data.rglob("*")
            if path.is_file() and not path.name.endswith(("-wal", "-shm"))
        }


@pytest.fixture
def data(tmp_path: Path) -> Data:
    return Data(tmp_path)


@pytest.mark.parametrize("revisions", [[], [HEAD], [BEFORE_HEAD]])
def test_known_schemas_are_taken(data: Data, revisions: list[str]) -> None:
    small_database.make(data.layout.sqlite_file, revisions=revisions)
    data.check()


def test_schema_of_a_newer_prefect(data: Data) -> None:
    small_database.make(data.layout.sqlite_file, revisions=["0123456789ab"])
    line = data.refused()
    assert "0123456789ab, which Prefect 3.8.8 does not know" in line
    assert f"({data.layout.sqlite_file}); start the newer Zoe" in line


def test_first_start_and_a_database_without_blocks_take_any_key(data: Data) -> None:
    data.check()
    small_database.make(data.layout.sqlite_file)
    data.check()
    data.keep(new_key())
    data.check()
    data.check(make_settings(encryption_key=new_key()))


def test_right_key_given_or_kept(data: Data) -> None:
    key = new_key()
    small_database.make(data.layout.sqlite_file, blocks={"one": key})
    data.check(make_settings(encryption_key=key))
    data.keep(key)
    data.check()


def test_missing_key(data: Data) -> None:
    small_database.make(data.layout.sqlite_file, blocks={"one": new_key(), "two": new_key()})
    line = data.refused()
    assert "the key that encrypts the 2 blocks in the database is missing" in line
    assert f"({data.layout.encryption_key}); put the old key back" in line
    assert "ZOE_ENCRYPTION_KEY_FILE" in line
    assert not data.layout.encryption_key.exists()


def test_another_key_given_or_kept(data: Data) -> None:
    key, other = new_key(), new_key()
    small_database.make(data.layout.sqlite_file, blocks={"one": key})
    line = data.refused(make_settings(encryption_key=other))
    assert "opens none of the one block in the database (ZOE_ENCRYPTION_KEY);" in line
    data.keep(other)
    line = data.refused()
    assert f"({data.layout.encryption_key});" in line
    assert key not in line
    assert other not in line


def test_one_readable_block_proves_the_key(data: Data) -> None:
    key = new_key()
    small_database.make(data.layout.sqlite_file, blocks={"lost": new_key(), "new": key})
    data.keep(key)
    data.check()


def test_key_that_stock_prefect_kept_in_the_database(data: Data) -> None:
    own = new_key()
    small_database.make(data.layout.sqlite_file, blocks={"one": own}, own_key=own)
    line = data.refused(make_settings(encryption_key=new_key()))
    assert "stock Prefect kept the right key in the database" in line
    assert own not in line


def test_operator_gives_the_blocks_up(data: Data) -> None:
    small_database.make(data.layout.sqlite_file, blocks={"one": new_key()})
    data.keep(new_key())
    assert f"create the file {data.layout.empty_blocks}" in data.refused()
    data.layout.empty_blocks.touch()
    data.check()


def test_all_mistakes_at_once(data: Data) -> None:
    small_database.make(data.layout.sqlite_file, revisions=["new"], blocks={"one": new_key()})
    assert len(data.refused().splitlines()) == 2


@pytest.fixture
def bin_dir(tmp_path: Path) -> Path:
    """A PostgreSQL 17, as far as its version goes."""
    program = tmp_path / "bin" / "postgres"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 17.6 (Debian 17.6-0+deb13u1)'\n")
    program.chmod(0o755)
    return program.parent


def test_cluster_of_the_same_version_or_none(tmp_path: Path, bin_dir: Path) -> None:
    cluster = tmp_path / "postgres"
    guards.cluster_version(cluster, bin_dir)
    cluster.mkdir()
    (cluster / "PG_VERSION").write_text("17\n")
    guards.cluster_version(cluster, bin_dir)


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("16\n", "is of PostgreSQL 16, and the programs are of 17"),
        ("18\n", "start the Zoe with PostgreSQL 18 once more and run zoe backup create"),
        ("", "is not a PostgreSQL cluster"),
        (None, "is not a PostgreSQL cluster"),
    ],
)
def test_other_clusters(tmp_path: Path, bin_dir: Path, version: str | None, words: str) -> None:
    cluster = tmp_path / "postgres"
    cluster.mkdir()
    if version is not None:
        (cluster / "PG_VERSION").write_text(version)
    with pytest.raises(OperatorError) as caught:
        guards.cluster_version(cluster, bin_dir)
    assert words in caught.value.line()
    assert "zoe restore" in caught.value.line()

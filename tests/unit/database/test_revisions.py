from __future__ import annotations

import prefect.server.database
import pytest
from alembic.script import ScriptDirectory

from appliance.database.revisions import Known, Standing, known, parse, standing
from appliance.errors import WorldError
from appliance.settings import DatabaseEngine
from tests.unit.small_database import BEFORE_HEAD, HEAD

CHAIN = Known("c", frozenset("abc"))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ("", Standing.EMPTY),
        ("c", Standing.CURRENT),
        ("a", Standing.OLDER),
        ("z", Standing.UNKNOWN),
        ("bc", Standing.OLDER),
        ("cz", Standing.UNKNOWN),
    ],
)
def test_standing(found: str, expected: Standing) -> None:
    assert standing(set(found), CHAIN) is expected


def test_parsed_in_every_form_that_alembic_writes() -> None:
    first = '"""Revision ID: x\n"""\nrevision = "a"\ndown_revision = None\n'
    second = "revision: str = 'b'\ndown_revision: Union[str, None] = 'a'\n"
    assert parse([second, first]) == Known("b", frozenset("ab"))


@pytest.mark.parametrize("sources", [[], ['revision = "a"', 'revision = "b"']])
def test_no_single_head_is_told(sources: list[str]) -> None:
    with pytest.raises(WorldError, match=f"has {len(sources)} newest migrations, not 1"):
        parse(sources)


@pytest.mark.parametrize(
    ("engine", "dialect"),
    [
        (DatabaseEngine.SQLITE, "sqlite"),
        (DatabaseEngine.EMBEDDED_POSTGRES, "postgresql"),
        (DatabaseEngine.EXTERNAL_POSTGRES, "postgresql"),
    ],
)
def test_alembic_reads_the_same_from_the_installed_prefect(
    engine: DatabaseEngine, dialect: str
) -> None:
    (package,) = prefect.server.database.__path__
    scripts = ScriptDirectory(
        f"{package}/_migrations", version_locations=[f"{package}/_migrations/versions/{dialect}"]
    )
    expected = frozenset(script.revision for script in scripts.walk_revisions())
    assert known(engine) == Known(scripts.get_current_head() or "", expected)


def test_revisions_that_the_tests_use() -> None:
    assert known(DatabaseEngine.SQLITE).head == HEAD
    assert BEFORE_HEAD in known(DatabaseEngine.SQLITE).all

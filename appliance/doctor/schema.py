"""Whether the database has the schema that the installed Prefect wants."""

from __future__ import annotations

from appliance.database.revisions import Standing, known, prefect_version, standing
from appliance.doctor.finding import Finding, problem, well
from appliance.settings import DatabaseEngine

CHECK = "schema"


def judge(engine: DatabaseEngine, revision: str | None) -> Finding:
    """Compare.

    Args:
        engine: Whose migrations count.
        revision: What the database says it is at; None where it holds no schema yet.

    Raises:
        WorldError: The installed Prefect's migrations are not where they were.
    """
    wanted = known(engine)
    match standing([revision] if revision else [], wanted):
        case Standing.CURRENT:
            return well(CHECK, f"{revision}, as Prefect {prefect_version()} wants it")
        case Standing.EMPTY:
            return well(CHECK, "none yet; the server makes it at its first start")
        case Standing.OLDER:
            return problem(
                CHECK,
                f"the database is at {revision}; Prefect {prefect_version()} wants {wanted.head}",
                "restart Zoe: the server migrates at its start, after a backup",
            )
        case Standing.UNKNOWN:
            return problem(
                CHECK,
                f"the database is at {revision}, which Prefect {prefect_version()} does not know",
                "run the newer Zoe that made it, or restore a backup of this version",
            )

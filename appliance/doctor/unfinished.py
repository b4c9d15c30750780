"""Work that was interrupted and that the next start goes on with: an exchange, a migration."""

from __future__ import annotations

from collections.abc import Iterator

from appliance import exchange
from appliance.doctor.finding import Finding, warning
from appliance.doctor.patient import Patient
from appliance.files import read_json

CHECK = "unfinished"


def look(patient: Patient) -> Iterator[Finding]:
    """Look for the notes of both, while nobody can be at it: a running Zoe has finished them."""
    if patient.is_running:
        return
    if exchange.is_pending(patient.layout):
        yield warning(
            CHECK,
            "an exchange of the data, of a restore or a promotion, was interrupted",
            "start Zoe, which finishes it, unless that very command is still at work",
        )
    note = read_json(patient.layout.migration)
    if note:
        yield warning(
            CHECK,
            f"a migration of the database was begun; the backup before it is {note.get('backup')}",
            "start Zoe, which goes on with it, or restore that backup with the Zoe that you had",
        )

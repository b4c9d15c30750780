"""`zoe version`: what runs here."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from importlib.metadata import version as installed

from appliance import __version__


def carry_out(given: argparse.Namespace) -> int:
    """Carry out the command line."""
    return version(as_json=given.json)


def versions() -> dict[str, str]:
    """Return the versions that matter in a bug report."""
    return {
        "zoe": __version__,
        "prefect": installed("prefect"),
        "supervisor": installed("supervisor"),
        "python": platform.python_version(),
    }


def version(*, as_json: bool) -> int:
    """Print them."""
    found = versions()
    if as_json:
        sys.stdout.write(json.dumps(found) + "\n")
    else:
        sys.stdout.writelines(f"{name} {number}\n" for name, number in found.items())
    return 0

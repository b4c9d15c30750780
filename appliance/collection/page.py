"""The reference page of the roles' variables."""

from __future__ import annotations

from typing import Any

from appliance.collection.argument_specs import SHORT
from appliance.collection.variables import (
    OF_HOSTS,
    OF_ROLE,
    Role,
    Variable,
    settings_of,
    variables_of,
)

HEAD = """\
# The Ansible collection zoe.prefect

<!-- Made from appliance/collection by `make docs`; a test holds it to the source. -->

[Install on machines](../how-to/install-on-machines.md) and [add a worker](../how-to/add-a-worker.md) say how to use
it. Every setting of Zoe is a variable `zoe_<setting>`; one that is left out keeps [Zoe's own default](settings.md),
and its row there says what it does. A secret is written to a file of its own, 0600, below `/etc/zoe/secrets`.

## Playbooks

| playbook | what it does |
|---|---|
| `zoe.prefect.site` | the whole fleet of an inventory: group `zoe_appliance`, then group `zoe_workers` |
| `zoe.prefect.workers` | adds workers (group `zoe_workers`) and leaves the appliance alone |
| `zoe.prefect.remove_worker` | `-e zoe_leaving=HOST`: drains a worker, stops it, and takes its record from the server |
| `zoe.prefect.status` | one line a host |
| `zoe.prefect.backup` | a backup of each appliance, now; `-e zoe_fetch_to=DIRECTORY` brings it to the controller |

Tags: `zoe_preflight`, `zoe_install`, `zoe_configure`, `zoe_run`. Preflight runs with each of them.

## What lies where on a host

| path | what it is | mode |
|---|---|---|
| `/opt/zoe/versions/VERSION-DIGEST-PYTHON/` | a version: Python environment, `project`, `templates` | root's, readable |
| `/opt/zoe/current` | the version that runs | link |
| `/opt/zoe/project`, `/opt/zoe/templates`, `/usr/local/bin/zoe` | the same paths as in the image, into `current` | links |
| `/etc/zoe/zoe.toml` | the settings, without secrets | 0640 root:zoe |
| `/etc/zoe/secrets/` | a file for each secret that is given | 0600 zoe, in 0700 |
| `/etc/zoe/tls/` | certificates and key that are given | 0640 root:zoe, the key 0600 zoe |
| `/etc/zoe/environment` | `zoe_environment` | 0640 root:zoe |
| `/var/lib/zoe` (`zoe_data_dir`) | all state | 0700 zoe |
| `/run/zoe` | sockets and reports | 0700 zoe |
| `/etc/systemd/system/zoe.service` or `/etc/init.d/zoe` | what keeps Zoe running | 0644, 0755 |
"""
TABLE = "| variable | type | default | what it does |\n|---|---|---|---|\n"


def render() -> str:
    """Return the page."""
    parts = [HEAD]
    for role in Role:
        parts += [f"\n## Role {role}\n\n{SHORT[role]}.\n\n{TABLE}"]
        own = {variable.name for variable in (*OF_ROLE[role], *OF_HOSTS)}
        parts += [_row(variable) for variable in variables_of(role) if variable.name in own]
        parts += ["\nSettings:\n\n| variable | type | setting |\n|---|---|---|\n"]
        by_name = {variable.name: variable for variable in variables_of(role)}
        parts += [_setting_row(name, by_name[f"zoe_{name}"]) for name in settings_of(role)]
    return "".join(parts)


def _row(variable: Variable) -> str:
    cells = [f"`{variable.name}`", variable.kind, _shown(variable.default), variable.description]
    return "| " + " | ".join(cells) + " |\n"


def _setting_row(name: str, variable: Variable) -> str:
    kind = f"{variable.kind} of {variable.elements}" if variable.elements else variable.kind
    notes = [
        kind,
        *(["required"] if variable.required else []),
        *(["secret"] if variable.secret else []),
    ]
    return f"| `{variable.name}` | {', '.join(notes)} | [`{name}`](settings.md) |\n"


def _shown(default: Any) -> str:
    return "" if default in ("", None, {}) else f"`{default}`"

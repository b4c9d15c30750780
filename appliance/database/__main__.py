"""The program `database`: make the embedded cluster if there is none, then become Postgres."""

from __future__ import annotations

import os
import sys

from appliance.database import postgres, stale_lock, templates
from appliance.errors import ZoeError
from appliance.files import make_private_dir
from appliance.layout import Layout, Runtime, templates_dir
from appliance.settings import load


def main() -> int:  # noqa: RET503 - execv does not return
    """Replace this process by Postgres; return an exit code only when that failed."""
    try:
        settings = load().settings
        layout, runtime = Layout(settings.data_dir), Runtime.from_environment()
        bin_dir = postgres.find_bin_dir(settings.postgres_bin_dir)
        templates.install_postgres(templates_dir(), layout.postgres_data, bin_dir)
        stale_lock.remove(layout.postgres_data)
        make_private_dir(runtime.postgres_socket_dir)
    except ZoeError as error:
        sys.stderr.write(error.line() + "\n")
        return error.exit_code
    command = postgres.server_command(bin_dir, layout.postgres_data, runtime.postgres_socket_dir)
    sys.stdout.flush()
    os.execv(command[0], command)  # noqa: S606 - our own list of words; a shell has no part in it


if __name__ == "__main__":
    sys.exit(main())

"""A name for a user that has none, as `docker run --user 12345` makes one.

`ssh`, `initdb` and Python's `getpass` insist on a name. The image's name service reads two more
files besides `/etc/passwd` and `/etc/group` (libnss-extrausers); they lie in the runtime
directory, the one place that a read-only container can write to.
"""

from __future__ import annotations

import os
import pwd

from appliance.files import make_private_dir, write_atomically
from appliance.layout import Runtime

NAME = "zoe"
READABLE_BY_ALL = 0o644


def ensure_name(runtime: Runtime) -> None:
    """Give the current user a name, unless the system knows one."""
    uid, gid = os.getuid(), os.getgid()
    try:
        pwd.getpwuid(uid)
    except KeyError:
        make_private_dir(runtime.root)
        lines = {
            runtime.passwd: f"{NAME}:x:{uid}:{gid}:Zoe:/tmp:/bin/sh\n",
            runtime.group: f"{NAME}:x:{gid}:\n",
        }
        for path, line in lines.items():
            write_atomically(path, line)
            path.chmod(READABLE_BY_ALL)

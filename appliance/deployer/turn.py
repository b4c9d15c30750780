"""One pass at a time on one machine: the program's own, or one that `zoe deploy apply` makes."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from appliance.files import make_private_dir
from appliance.layout import Runtime


@contextmanager
def turn(runtime: Runtime) -> Iterator[None]:
    """Wait until nobody else is at it here. Who dies loses its turn (flock(2))."""
    make_private_dir(runtime.root)
    descriptor = os.open(runtime.deployer_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)

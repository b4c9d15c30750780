"""Zoe as it comes: one container, the image's defaults, but for what the bench must say."""

from __future__ import annotations

import time

import httpx

from tests.bench.model import Variant
from tests.bench.subjects.subject import PASSWORD, PUBLISHED, THE_IMAGE, Subject, Wanted, common


def start(subject: Subject, wanted: Wanted) -> None:
    """Start it, and wait until it takes work."""
    subject.auth = httpx.BasicAuth("admin", PASSWORD)
    subject.began = time.monotonic()
    subject.run(
        *PUBLISHED,
        *common(wanted),
        *(f"--env={variable}" for variable in environment(wanted)),
        THE_IMAGE,
    )
    subject.wait_answer()
    if wanted.worker:
        subject.wait_worker()


def environment(wanted: Wanted) -> tuple[str, ...]:
    """Return the variables that make the difference between this and a plain `docker run`."""
    variables = [f"ZOE_ADMIN_PASSWORD={PASSWORD}", *wanted.environment]
    if wanted.variant is Variant.COLD:
        variables.append("ZOE_WARM_START=false")
    if wanted.engine != "sqlite":
        variables.append(f"ZOE_DATABASE={wanted.engine}")
    if not wanted.worker:
        variables.append("ZOE_COMPONENTS=database,server")
    if wanted.worker_limit is not None:
        variables.append(f"ZOE_WORKER_LIMIT={wanted.worker_limit}")
    if wanted.projects:
        variables.append(f"ZOE_PROJECTS={wanted.projects}")
    return tuple(variables)

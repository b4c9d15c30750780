"""The one way to a subject: started, waited for, and always removed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.bench.subjects import stock, zoe
from tests.bench.subjects.subject import Subject, Wanted


@contextmanager
def started(wanted: Wanted) -> Iterator[Subject]:
    """Start what is wanted, wait until it takes work, and remove it afterwards."""
    subject = Subject()
    try:
        (zoe if wanted.variant.is_ours else stock).start(subject, wanted)
        yield subject
    finally:
        subject.close()

"""The outcomes that the program `maintenance` puts on record itself, however full the disk is.

A job whose disk is full can neither do its work nor write that down. What cannot be written is kept
in memory until it can, and is told meanwhile through the runtime directory, which is another file
system where that can be arranged.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from appliance.files import write_json
from appliance.layout import Layout, Runtime
from appliance.maintenance import outcome
from appliance.maintenance.outcome import Outcome


class Record:
    """Where outcomes go and are found.

    Args:
        layout: Where they belong.
        runtime: Where they are told as long as they cannot be written there.
        say: Told what cannot be written.
    """

    def __init__(self, layout: Layout, runtime: Runtime, say: Callable[..., None]) -> None:
        self._layout = layout
        self._runtime = runtime
        self._say = say
        # A maintenance that was killed left them.
        self._unwritten = outcome.unwritten(runtime)
        self._told = dict(self._unwritten)
        # Somebody else's word, a backup by hand say, is newer than ours. No clock is asked.
        self._replaced = {job: self.last(job) for job in self._unwritten}

    def last(self, job: str) -> Outcome | None:
        """Return how a job ended the last time that it was written down; None for never."""
        return outcome.read(self._layout, job)

    def parting_word(self, job: str) -> str | None:
        """Return why a job failed in the words that it could not write down itself."""
        ended = outcome.left(self._runtime).get(job)
        return ended.line if ended else None

    def note(self, ended: Outcome) -> None:
        """Put an outcome on record, now or as soon as that is possible."""
        outcome.forget_left(self._runtime, ended.job)
        self._unwritten[ended.job] = ended
        self._replaced[ended.job] = self.last(ended.job)
        self.catch_up()

    def catch_up(self) -> None:
        """Try again what could not be written; costs next to nothing where there is nothing."""
        for job, ended in outcome.left(self._runtime).items():
            self._unwritten[job] = ended
            self._replaced[job] = self.last(job)
        for job, ended in list(self._unwritten.items()):
            try:
                if self.last(job) == self._replaced[job]:
                    outcome.write(self._layout, ended)
            except OSError as error:
                if self._told.get(job) != ended:
                    reason = error.strerror or error
                    self._say(f"the end of {job} cannot be written down yet: {reason}", "ERROR")
            else:
                del self._unwritten[job]
        if self._told != self._unwritten:
            self._tell()
        for job in outcome.left(self._runtime):
            if self._told.get(job) == self._unwritten.get(job):
                outcome.forget_left(self._runtime, job)

    def _tell(self) -> None:
        path = self._runtime.unwritten_outcomes
        try:
            if self._unwritten:
                write_json(path, {job: asdict(one) for job, one in self._unwritten.items()})
            else:
                path.unlink(missing_ok=True)
        except OSError:
            # No less full. The conductor, who has to write there too, is then as good as silent,
            # and `zoe health` says so.
            return
        self._told = dict(self._unwritten)

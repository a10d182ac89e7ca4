"""Progress of slow work in the log, so that nobody takes a long recovery for a hang.

Not for: the progress bars of the operator's tools (`cli.progress`).
"""

import time

import structlog

log = structlog.get_logger(__name__)

QUIET_SECONDS = 5.0
"""Work that takes less says nothing; longer work is reported about as often."""


class ProgressLog:
    """One piece of work; `fields` are in each of its events."""

    def __init__(self, event: str, **fields: str) -> None:
        self._event = event
        self._fields = fields
        self._silent_since = time.monotonic()

    def report(self, done: int, total: int | None = None) -> None:
        """Say that `done` is done, of `total` if it is known, unless that was said a moment ago."""
        now = time.monotonic()
        if now - self._silent_since >= QUIET_SECONDS:
            self._silent_since = now
            of = {} if total is None else {"of": total}
            log.info(self._event, done=done, **of, **self._fields)

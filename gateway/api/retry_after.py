"""Staggered `Retry-After`: those who were turned away come back one after the other.

Told the same moment, they would all come back in it, and turning them away again would take the
time that the others need.

Not for: deciding who is turned away (`app`).
"""

FIRST_SECONDS = 1.0
LAST_SECONDS = 30.0
RETRIES_PER_SECOND = 1_000
"""To turn so many away takes a few hundredths of a second."""


class RetryAfterSpreader:
    """Gives each client that is turned away a moment of its own, from 1 to 30 seconds ahead."""

    def __init__(self) -> None:
        self._latest = 0.0

    def next_ms(self, now: float) -> int:
        """How long the next one is to wait; `now` in seconds of any clock, always the same."""
        next_moment = max(self._latest + 1 / RETRIES_PER_SECOND, now + FIRST_SECONDS)
        self._latest = min(next_moment, now + LAST_SECONDS)
        return round((self._latest - now) * 1_000)

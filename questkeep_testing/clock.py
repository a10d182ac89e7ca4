"""A virtual clock: the time of a server in a test, which stands still until it is moved.

Not for: sockets, tokens and retries, which keep real time: what waits for them would break.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

START = datetime(2030, 1, 1, 12, tzinfo=UTC)
"""Noon of a first of January, so that an hour more or less is no other day."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class VirtualClock:
    """Gives rows and history their times.  The same test gets the same times.

    Args:
        moved: called with the seconds of each move, after it.
    """

    def __init__(self, moved: Callable[[float], None] = lambda seconds: None) -> None:
        self._now = (START - _EPOCH) // _MICROSECOND
        self._moved = moved

    def now(self) -> int:
        """Microseconds since the Unix epoch."""
        return self._now

    def advance(
        self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0
    ) -> None:
        """Let so much time pass at once; whoever was idle for it hibernates or leaves memory.

        Raises:
            ValueError: time does not go back.
        """
        passed = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        if passed < timedelta():
            raise ValueError(f"{passed} is before now: time does not go back")
        self._now += passed // _MICROSECOND
        self._moved(passed.total_seconds())

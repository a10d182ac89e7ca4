"""When those may come back who were turned away for want of room.

Told the same moment, they would all come back in it, and turning them away again would take the
time that the others need.  So each is told a moment of their own, one after the other.

Not for: deciding who is turned away (`app`).
"""

FIRST_SECONDS = 1.0
LAST_SECONDS = 30.0
COMING_BACK_PER_SECOND = 1_000
"""To turn so many away takes a few hundredths of a second."""


class Crowd:
    """Those who were turned away and have not come back yet."""

    def __init__(self) -> None:
        self._latest = 0.0

    def come_back_after_ms(self, now: float) -> int:
        """How long the next one is to stay away; `now` in seconds of any clock, always the same."""
        next_moment = max(self._latest + 1 / COMING_BACK_PER_SECOND, now + FIRST_SECONDS)
        self._latest = min(next_moment, now + LAST_SECONDS)
        return round((self._latest - now) * 1_000)

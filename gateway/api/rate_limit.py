"""Rate limits: a token bucket for each caller and each address, kept as one moment in time.

A bucket that is full is the same as none, so only those who called lately take memory.

Not for: how much is answered at once (`app`), or one user's share of that (`user_requests`).
"""

from math import ceil

BURST_SECONDS = 2.0
"""Whoever was quiet may send so many seconds' requests at once."""
KEYS_BETWEEN_SWEEPS = 10_000
_ROUNDING_SECONDS = 1e-6


class RateLimit:
    """So many requests a second for each key, or any number of them where it is 0."""

    def __init__(self, per_second: float) -> None:
        self._interval = 1 / per_second if per_second else 0.0
        # When each key's bucket will be full again, in the seconds of the clock it is asked with.
        self._full_at: dict[str, float] = {}
        self._sweep_at_size = KEYS_BETWEEN_SWEEPS

    def wait_ms(self, key: str, now: float) -> int:
        """0 and one request is counted; or how long it takes until another fits, not counted."""
        if not self._interval:
            return 0
        full_at = max(self._full_at.get(key, now), now) + self._interval
        late_by = full_at - now - max(BURST_SECONDS, self._interval)
        if late_by > _ROUNDING_SECONDS:
            return ceil(late_by * 1_000)
        self._full_at[key] = full_at
        if len(self._full_at) > self._sweep_at_size:
            self._sweep(now)
        return 0

    def _sweep(self, now: float) -> None:
        """Forget those whose bucket is full again; so each key costs a constant share of sweeps."""
        self._full_at = {key: at for key, at in self._full_at.items() if at > now}
        self._sweep_at_size = len(self._full_at) + KEYS_BETWEEN_SWEEPS

"""Whether a client is there, and for how long its token counts: moments, and no timers.

Not for: what is sent then (`connection`).
"""

import time

from gateway.auth.authenticator import Caller

ANSWER_SECONDS = 15.0
"""How long whoever was pinged may say nothing at all."""
WARNING_SECONDS = 60.0
"""So long before its end a token is said to expire, or at a tenth of its life."""
CHECK_SECONDS = 1.5
"""A little more than the time between two looks at a connection."""


class Liveness:
    """Of one connection.  Times of silence are the event loop's seconds, of tokens the epoch's.

    Attributes:
        expires_at: when the token does.
    """

    __slots__ = ("_pinged_at", "_sent_at", "_warn_at", "expires_at", "ping_seconds")

    def __init__(self, caller: Caller, ping_seconds: float, now: float) -> None:
        self.ping_seconds = ping_seconds
        self._sent_at = now
        self._pinged_at = 0.0
        self.renew(caller)

    def renew(self, caller: Caller) -> None:
        """The token is now this caller's."""
        life = caller.expires_at - time.time()
        self.expires_at = caller.expires_at
        self._warn_at = self.expires_at - max(CHECK_SECONDS, min(WARNING_SECONDS, life / 10))

    def heard(self) -> None:
        """Something came from the client, or it could not have been read."""
        self._pinged_at = 0.0

    def sent(self, now: float) -> None:
        """Something went to the client."""
        self._sent_at = now

    def wants_ping(self, now: float) -> bool:
        """Whether nothing was sent for so long that the client is to be pinged now."""
        if now - self._sent_at < self.ping_seconds:
            return False
        self._pinged_at = self._pinged_at or now
        return True

    def is_silent(self, now: float) -> bool:
        """Whether nothing came, not even the pong, for too long."""
        return bool(self._pinged_at) and now - self._pinged_at > ANSWER_SECONDS

    def due_at(self, now: float, wall: float) -> float:
        """When any of this may have changed, at the earliest, in the event loop's seconds."""
        silence = self._pinged_at + ANSWER_SECONDS if self._pinged_at else now + self.ping_seconds
        token = now + min(self._warn_at, self.expires_at) - wall
        return min(self._sent_at + self.ping_seconds, silence, token)

    def expires_soon(self, wall: float) -> bool:
        """Whether the client is to be told, once for each token, that it does."""
        if wall < self._warn_at:
            return False
        self._warn_at = float("inf")
        return True

    def has_expired(self, wall: float) -> bool:
        """Whether the token counts no longer."""
        return wall >= self.expires_at

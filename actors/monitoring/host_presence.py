"""Which hosts answer: says in the log when one is away, and when it is back and after how long.

Not for: why a process ended (`host_watch`), or bringing one back (Ray does).
"""

import time
from collections.abc import Callable

import structlog

from actors.monitoring.cluster_status import HostState, Presence

log = structlog.get_logger(__name__)


class HostPresence:
    """The hosts of one server, by their names.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._answered_at: dict[str, float] = {}
        self._open_since: dict[str, float] = {}
        self._away: dict[str, tuple[HostState, float, str]] = {}

    @property
    def away(self) -> tuple[str, ...]:
        """Hosts that could not serve their users when they were asked last."""
        return tuple(sorted(self._away))

    def seen(self, host: str) -> Presence:
        """What the host was when it was asked last; one that was not asked yet has just begun."""
        now = self._clock()
        if host in self._away:
            state, since, reason = self._away[host]
            return Presence(state, round(now - since, 1), reason)
        return Presence(HostState.OPEN, round(now - self._open_since.get(host, self._began), 1))

    def answered(self, host: str, records_folded: int, fold_seconds: float) -> None:
        """The host can serve its users; its last opening folded so much, in so long."""
        now = self._clock()
        if self._away.pop(host, None) is not None:
            self._open_since[host] = now
            log.warning(
                "a host is back",
                host=host,
                seconds_away=round(now - self._answered_at.get(host, now), 1),
                records_folded=records_folded,
                fold_seconds=round(fold_seconds, 1),
            )
        self._answered_at[host] = now

    def silent(self, host: str, reason: str, *, folding: bool = False) -> None:
        """The host cannot serve its users now, or does not answer.

        Args:
            folding: it answers that it is reading what its predecessor left.
        """
        state = HostState.FOLDING if folding else HostState.AWAY
        if host not in self._away:
            log.warning("a host is away", host=host, reason=reason)
        before, since, _ = self._away.get(host, (state, self._clock(), ""))
        self._away[host] = state, since if state is before else self._clock(), reason

"""Which hosts answer: says in the log when one is away, and when it is back and after how long.

Not for: why a process ended (`actors.cluster.host_watch`), or bringing one back (Ray does).
"""

import time
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)


class HostPresence:
    """The hosts of one server, by their names.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._answered_at: dict[str, float] = {}
        self._away: set[str] = set()

    @property
    def away(self) -> tuple[str, ...]:
        """Hosts that did not answer when they were asked last."""
        return tuple(sorted(self._away))

    def answered(self, host: str, records_folded: int, fold_seconds: float) -> None:
        """The host can serve its users; its last opening folded so much, in so long."""
        now = self._clock()
        if host in self._away:
            self._away.remove(host)
            log.warning(
                "a host is back",
                host=host,
                seconds_away=round(now - self._answered_at.get(host, now), 1),
                records_folded=records_folded,
                fold_seconds=round(fold_seconds, 1),
            )
        self._answered_at[host] = now

    def silent(self, host: str, reason: str) -> None:
        """The host cannot serve its users now, or does not answer."""
        if host not in self._away:
            self._away.add(host)
            log.warning("a host is away", host=host, reason=reason)

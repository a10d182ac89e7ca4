"""Watches Ray's head: whether it answers, and whether it is still the one that was joined.

Without a head hosts serve on, and nobody is brought back.  After a while Ray gives up and ends all
its processes, servers too: a server ends by itself a little earlier, and says why.

Not for: asking the head (`actors.cluster.ray_nodes`).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from actors.monitoring.cluster_status import HeadStatus

log = structlog.get_logger(__name__)

LOOK_SECONDS = 2.0
"""Between two looks."""
ANSWER_SECONDS = 2.0
"""A head that has not answered by then counts as silent."""
REMIND_SECONDS = 15.0
"""Between two lines about a head that stays silent."""
MARGIN_SECONDS = 6.0
"""So long before Ray would end this process it ends by itself, which takes at most five seconds."""


class HeadWatch:
    """The head of one Ray cluster.

    Args:
        ask: the identity of the cluster that answers at the address.
        seconds_max: how long Ray lets its processes live without a head.
        clock: monotonic seconds.

    Attributes:
        problem: why the head is lost for good; empty while it is not.
    """

    def __init__(
        self,
        address: str,
        ask: Callable[[], Awaitable[str]],
        seconds_max: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._address = address
        self._ask = ask
        self._seconds_max = seconds_max
        self._clock = clock
        self._identity = ""
        self._answered_at = clock()
        self._silent = False
        self._told_at = 0.0
        self._asking: asyncio.Task[str] | None = None
        self.problem = ""

    async def look(self) -> bool:
        """Whether the head answers now, and is the one that answered first."""
        if self._asking is None:
            self._asking = asyncio.ensure_future(self._ask())
        await asyncio.wait({self._asking}, timeout=ANSWER_SECONDS)
        if not self._asking.done():
            self._is_silent()  # the question goes on: a second one would be stuck behind it
            return False
        asked, self._asking = self._asking, None
        if asked.exception() is not None:
            self._is_silent()
            return False
        return self._is_there(asked.result())

    def status(self) -> HeadStatus:
        """The head as it was seen last."""
        if not self._silent:
            return HeadStatus(self._address, reachable=True)
        silent = self._clock() - self._answered_at
        left = max(0.0, self._seconds_max - silent)
        return HeadStatus(self._address, False, round(silent, 1), round(left, 1))

    def close(self) -> None:
        """Ask nothing any more."""
        if self._asking is not None:
            self._asking.cancel()

    def _is_there(self, identity: str) -> bool:
        self._identity = self._identity or identity
        if identity != self._identity:
            self.problem = (
                f"another Ray cluster answers at {self._address}: its head was stopped and "
                "started again, without its state"
            )
            return False
        now = self._clock()
        if self._silent:
            log.warning("the head answers again", seconds_silent=round(now - self._answered_at, 1))
        self._silent = False
        self._answered_at = now
        return True

    def _is_silent(self) -> None:
        now = self._clock()
        silent = now - self._answered_at
        left = self._seconds_max - silent
        if not self._silent or now - self._told_at >= REMIND_SECONDS:
            self._told_at = now
            log.warning(
                "the head is silent",
                head=self._address,
                seconds_silent=round(silent, 1),
                seconds_left=round(max(0.0, left), 1),
            )
        self._silent = True
        if left < MARGIN_SECONDS:
            self.problem = f"Ray's head at {self._address} has been silent for {silent:.0f} s"

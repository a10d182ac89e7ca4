"""Readiness: whether a user would be served now, and if not, why.

Hosts, the store and Ray are asked through the cluster, once for everybody who asks within a second.

Not for: whether this process lives (`/healthz`), or mending anything (`actors.cluster`).
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

FRESH_SECONDS = 1.0
"""An answer counts for so long."""
CHECK_SECONDS = 3.0
"""Whoever does not answer within this does not serve users either."""

log = structlog.get_logger("questkeep.serve")


class Readiness:
    """Asks `health`, which is empty or one sentence; see `Cluster.health`."""

    def __init__(self, health: Callable[[], Awaitable[str]]) -> None:
        self._health = health
        self._check: asyncio.Task[str] | None = None
        self._checked_at = 0.0
        self._problem = ""

    async def problem(self) -> str:
        """Empty while a user would be served; else one sentence on why not."""
        now = asyncio.get_running_loop().time()
        if self._check is None and now - self._checked_at > FRESH_SECONDS:
            self._check = asyncio.create_task(self._ask())
        check = self._check
        if check is None:
            return self._problem
        await asyncio.wait({check}, timeout=CHECK_SECONDS)
        if not check.done():
            # It goes on: a second one would be stuck behind it.
            self._found(f"hosts, store and Ray did not all answer within {CHECK_SECONDS:g} s")
        elif self._check is check:
            self._check = None
            self._checked_at = asyncio.get_running_loop().time()
            self._found(check.result())
        return self._problem

    async def _ask(self) -> str:
        try:
            return await self._health()
        except Exception as error:
            log.exception("readiness could not be checked")
            return f"readiness could not be checked: {type(error).__name__}"

    def _found(self, problem: str) -> None:
        if problem and not self._problem:
            log.error("users are not served", reason=problem)
        if self._problem and not problem:
            log.info("users are served again")
        self._problem = problem

"""The cluster contract in this process: one host, no Ray.  It ships, and is the test kit.

Same host, mailboxes, journal and promises as on Ray; only the processes are missing.
"""

import asyncio
from collections.abc import Sequence

from actors.cluster.contract import Activity
from actors.cluster.host_actor import activity_of, now
from actors.errors import OutcomeUnknown
from actors.host.eviction import passivate_idle
from actors.host.host import Host
from actors.host.settings import HostSettings
from actors.messages import Reply, Request
from persistence.store import Store

HOST_NAME = "local"
IDLE_CHECKS_PER_PERIOD = 2


class LocalCluster:
    """All users in one host in this process.  `store` is closed by whoever opened it."""

    def __init__(
        self, settings: HostSettings, store: Store, *, ask_timeout_seconds: float = 30.0
    ) -> None:
        self._settings = settings
        self._timeout = ask_timeout_seconds
        self.host = Host(
            HOST_NAME,
            store,
            settings,
            now=now,
            on_fenced=lambda: None,  # the next message claims the stream back
        )
        self._passivating: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to passivate idle users."""
        self._passivating = asyncio.create_task(self._passivate_idle())

    def host_of(self, user_id: str) -> str:
        """See `UserDirectory.host_of`."""
        return HOST_NAME

    async def ask(self, requests: Sequence[Request]) -> list[Reply]:
        """See `UserDirectory.ask`."""
        try:
            async with asyncio.timeout(self._timeout):
                return await self.host.ask(requests)
        except TimeoutError:
            raise OutcomeUnknown(f"no reply within {self._timeout} s") from None

    async def change_rules(self, text: str) -> None:
        """See `Cluster.change_rules`."""
        self.host.rules.change(text)

    def capacity(self) -> str:
        """See `Cluster.capacity`."""
        return "local: all users in this one process"

    def activity(self) -> Activity:
        """Counts for metrics."""
        return activity_of(self.host)

    async def drain(self) -> None:
        """See `Cluster.drain`."""
        if self._passivating is not None:
            self._passivating.cancel()
        await self.host.drain()

    async def _passivate_idle(self) -> None:
        while True:
            await asyncio.sleep(self._settings.idle_seconds / IDLE_CHECKS_PER_PERIOD)
            await passivate_idle(self.host.activations, self._settings.idle_seconds)

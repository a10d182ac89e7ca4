"""The cluster contract in this process: one host, no Ray.  `--placement local`, and the test kit.

Same host, mailboxes, journal and promises as on Ray; only the processes are missing: who kills this
one kills the host with it, and the next start folds what it journalled.
"""

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import structlog
from msgspec.structs import replace

from actors.build import build
from actors.cluster.contract import Activity, Failure
from actors.cluster.host_actor import activity_of, now, why_unusable
from actors.errors import ClusterError, OutcomeUnknown, UserUnavailable
from actors.feeds.feed import Feed, Feeds, Listener
from actors.host.eviction import Upkeep
from actors.host.host import Host
from actors.host.settings import HostSettings
from actors.messages import Reply, Request
from actors.monitoring.cluster_status import ClusterStatus, HostState, HostStatus
from actors.store_ownership import TAKEN_OVER, StoreOwnership
from persistence.errors import Fenced, Spoiled, StorageError
from persistence.store import Store

log = structlog.get_logger(__name__)

HOST_NAME = "local"
MEMORY_SHARE = 0.6
"""How much of the machine's memory this process may take."""
USER_BYTES = 16 * 1024
"""Memory a user takes; for the sentence on how many fit."""
_CGROUP_MEMORY_MAX = Path("/sys/fs/cgroup/memory.max")


class LocalCluster:
    """All users in one host in this process.

    Args:
        store: closed by `drain`.
        users_max: users active at once; 0 means as many as fit in memory.
        now: microseconds since the Unix epoch; what rows and history are dated by.
    """

    def __init__(
        self,
        settings: HostSettings,
        store: Store,
        *,
        users_max: int = 0,
        ask_timeout_seconds: float = 30.0,
        now: Callable[[], int] = now,
    ) -> None:
        memory_bytes_max = int(machine_memory_bytes() * MEMORY_SHARE)
        self._users_max = users_max or max(1, memory_bytes_max // USER_BYTES)
        self._settings = replace(
            settings,
            memory_bytes_max=min(memory_bytes_max, settings.memory_bytes_max),
            users_max=self._users_max,
        )
        self._store = store
        self._started_at = time.monotonic()
        self._timeout = ask_timeout_seconds
        self._now = now
        self._ownership = StoreOwnership(store, settings.receipt_window)
        self._spoiled: asyncio.Future[str] | None = None
        self._upkeep: asyncio.Task[None] | None = None
        self._ownership_check: asyncio.Task[None] | None = None
        self.host = self._new_host()
        self._feeds = Feeds(self._begin_watch, self._end_watch)
        self._watcher = _Watcher(self._feeds)

    def _new_host(self) -> Host:
        return Host(
            HOST_NAME,
            self._store,
            self._settings,
            now=self._now,
            on_fenced=self._on_fenced,
        )

    def _begin_watch(self, user_id: str) -> None:
        self.host.watches.watch(user_id, self._watcher)

    def _end_watch(self, user_id: str) -> None:
        self.host.watches.unwatch(user_id, self._watcher)

    async def start(self) -> None:
        """See `Cluster.start`; the host is open when it returns."""
        self._spoiled = asyncio.get_running_loop().create_future()
        try:
            self._settings = replace(self._settings, server=await self._ownership.take())
            self.host = self._new_host()
            await self.host.open()
        except StorageError as error:
            await self._ownership.close()
            raise ClusterError(str(error)) from error
        self._upkeep = asyncio.create_task(self._keep_up())

    def host_of(self, user_id: str) -> str:
        """See `UserDirectory.host_of`."""
        return HOST_NAME

    async def ask(self, requests: Sequence[Request]) -> list[Reply]:
        """See `UserDirectory.ask`."""
        if self._ownership.over:
            raise UserUnavailable(TAKEN_OVER)
        try:
            async with asyncio.timeout(self._timeout):
                return await self.host.ask(requests)
        except TimeoutError:
            raise OutcomeUnknown(f"no reply within {self._timeout} s") from None

    def watch(self, user_id: str, listener: Listener) -> Feed:
        """See `UserDirectory.watch`."""
        return self._feeds.watch(user_id, listener)

    async def change_rules(self, text: str) -> None:
        """See `Cluster.change_rules`."""
        self.host.rules.change(text)

    def capacity(self) -> str:
        """See `Cluster.capacity`."""
        return (
            f"local, all users in this one process: about {self._users_max:,} in memory at a time "
            "here; beyond that the longest-idle ones are put to rest"
        )

    def activity(self) -> Activity:
        """See `UserDirectory.activity`."""
        return activity_of(self.host)

    def status(self) -> ClusterStatus:
        """See `Cluster.status`: one host, which is this process, on one node."""
        server = self._ownership.server
        incarnation = "" if server is None else server.incarnation
        activity = activity_of(self.host)
        state = HostState.FOLDING if activity.hosts_folding else HostState.OPEN
        seconds = round(time.monotonic() - self._started_at, 1)
        host = HostStatus(
            HOST_NAME,
            state,
            seconds,
            process_id=os.getpid(),
            incarnation=incarnation,
            build=build(),
            users_active=activity.users_active,
            journals=activity.journals,
        )
        return ClusterStatus("local", incarnation, build(), (host,))

    def host_name(self, user_id: str) -> str:
        """See `Cluster.host_name`."""
        return HOST_NAME

    async def health(self) -> str:
        """See `Cluster.health`."""
        if self._ownership.over:
            return TAKEN_OVER
        return await why_unusable(self.host) or await self._ownership.problem()

    async def failed(self) -> Failure:
        """See `Cluster.failed`: shut out of the store, or its disk may have lost what it was to
        keep (`Spoiled`)."""
        assert self._spoiled is not None, "it has not started"
        taken_over = asyncio.create_task(self._ownership.lost())
        either: list[asyncio.Future[Any]] = [self._spoiled, taken_over]
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if self._spoiled.done():
                return Failure(self._spoiled.result())
            taken_over.result()
            return Failure(TAKEN_OVER, taken_over=True)
        finally:
            taken_over.cancel()

    async def drain(self) -> None:
        """See `Cluster.drain`."""
        for task in (self._upkeep, self._ownership_check):
            if task is not None:
                task.cancel()
        try:
            await self.host.drain()
        finally:
            await self._ownership.close()

    async def _keep_up(self) -> None:
        upkeep = Upkeep(self.host.activations, self._settings)
        while True:
            await upkeep.round()

    def _on_fenced(self) -> None:
        self._ownership_check = asyncio.get_running_loop().create_task(self._check_ownership())

    async def _check_ownership(self) -> None:
        """The host had to stop, and cannot be replaced as on Ray: find out why, and begin anew."""
        try:
            await self.host.open()
        except Fenced:
            self._ownership.end()
        except Spoiled as error:
            if self._spoiled is not None and not self._spoiled.done():
                self._spoiled.set_result(f"This process can no longer tell what is kept: {error}")
        except StorageError as error:
            log.error("a host cannot open", host=HOST_NAME, reason=str(error))


class _Watcher:
    """Hands a host's records on, after the commit that made them durable is dealt with."""

    def __init__(self, feeds: Feeds) -> None:
        self._feeds = feeds

    def changed(self, records: list[bytes]) -> None:
        asyncio.get_running_loop().call_soon(self._feeds.changed, records)

    def read_anew(self) -> None:
        asyncio.get_running_loop().call_soon(self._feeds.lost)


def machine_memory_bytes() -> int:
    """Memory this process can have: the machine's, or less where its container has a limit."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        return min(memory, int(_CGROUP_MEMORY_MAX.read_text()))
    except (OSError, ValueError):
        return memory

"""The cluster contract in this process, without Ray.  `--placement local`, and the test kit.

Same hosts, mailboxes, journals and promises as on Ray; only the processes are missing: who kills
this one kills its hosts with it, and the next start folds what they journalled.
"""

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from msgspec.structs import replace

from actors.build import build
from actors.cluster.contract import Activity, Failure
from actors.cluster.host_actor import activity_of, now, why_unusable
from actors.cluster.placement import check_hosts
from actors.errors import ClusterError, UserUnavailable
from actors.feeds.feed import Feed, Listener
from actors.held_slots import HeldSlots
from actors.host.eviction import Upkeep
from actors.host.host import Host
from actors.host.settings import HostSettings
from actors.messages import Reply, Request
from actors.monitoring.cluster_status import ClusterStatus, HostState, HostStatus
from actors.slots.handover import Handover
from actors.slots.moves import MovesFailed, SlotHost, SlotMoves
from actors.store_ownership import TAKEN_OVER, StoreOwnership
from actors.transport.local_channel import LocalChannel
from actors.transport.slot_router import SlotRouter
from persistence.errors import Fenced, Spoiled, StorageError
from persistence.slot_table import SlotTable, begin_table, slots_for
from persistence.store import Store

log = structlog.get_logger(__name__)

HOST_NAME = "local"
MEMORY_SHARE = 0.6
"""How much of the machine's memory this process may take."""
USER_BYTES = 16 * 1024
"""Memory a user takes; for the sentence on how many fit."""
_CGROUP_MEMORY_MAX = Path("/sys/fs/cgroup/memory.max")


class LocalCluster:
    """All users in hosts in this process; one, unless more are asked for.

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
        hosts: int = 1,
        users_max: int = 0,
        ask_timeout_seconds: float = 30.0,
        now: Callable[[], int] = now,
    ) -> None:
        memory_bytes_max = int(machine_memory_bytes() * MEMORY_SHARE)
        self._users_max = users_max or max(1, memory_bytes_max // USER_BYTES)
        self._settings = replace(
            settings, memory_bytes_max=min(memory_bytes_max, settings.memory_bytes_max)
        )
        self._count = hosts
        self._scaling = asyncio.Lock()
        self._store = store
        self._timeout = ask_timeout_seconds
        self._now = now
        self._ownership = StoreOwnership(store, settings.receipt_window)
        self._spoiled: asyncio.Future[str] | None = None
        self._ownership_check: asyncio.Task[None] | None = None
        # Until it has started there is one host, on a store that has no table and no server.
        slots = HeldSlots(HOST_NAME, everything=True)
        self._hosts = {HOST_NAME: self._new_host(HOST_NAME, slots)}
        self._route_by(SlotTable((HOST_NAME,) * slots_for(1)))

    @property
    def host(self) -> Host:
        """The first host."""
        return self._hosts[HOST_NAME].host

    async def start(self) -> None:
        """See `Cluster.start`; the hosts are open when it returns."""
        self._spoiled = asyncio.get_running_loop().create_future()
        try:
            server = await self._ownership.take()
            self._settings = replace(self._settings, server=server)
            table = await begin_table(self._store, server, _names(self._count))
            self._hosts.clear()
            self._route_by(table)
            for name in _names(self._count):
                await self._start_host(name)
        except StorageError as error:
            await self._ownership.close()
            raise ClusterError(str(error)) from error

    def _route_by(self, table: SlotTable) -> None:
        self._moves = SlotMoves(self._store, table, self._find, self._announce)
        self._router = SlotRouter(table, self._channel, self._newest)

    def _new_host(self, name: str, slots: HeldSlots) -> "_LocalHost":
        share = -(-self._users_max // self._count)
        settings = replace(self._settings, users_max=share)
        fenced = partial(self._on_fenced, name)
        host = Host(name, self._store, settings, now=self._now, on_fenced=fenced, slots=slots)
        return _LocalHost(host, slots)

    async def _start_host(self, name: str) -> None:
        host = self._new_host(name, HeldSlots(name))
        await host.host.open()
        self._hosts[name] = host
        host.upkeep = asyncio.create_task(_keep_up(host.host, self._settings))

    async def scale(self, hosts: int) -> None:
        """See `Cluster.scale`."""
        async with self._scaling:
            check_hosts(self._moves.table, hosts)
            await self._scale(hosts)

    async def _scale(self, hosts: int) -> None:
        self._count = hosts
        names = _names(hosts)
        try:
            for name in names:
                if name not in self._hosts:
                    await self._start_host(name)
            await self._moves.spread(names)
        except (StorageError, MovesFailed) as error:
            raise ClusterError(str(error)) from error
        for name in [name for name in self._hosts if name not in names]:
            await self._hosts.pop(name).end()
            self._router.forget(name)

    async def _find(self, name: str) -> SlotHost:
        host = self._hosts[name]
        await host.host.open()
        return host.handover

    async def _announce(self, table: SlotTable) -> None:
        self._router.learn(table)

    async def _newest(self) -> SlotTable:
        return self._moves.table

    def _channel(self, name: str) -> LocalChannel:
        return LocalChannel(self._hosts[name].host)

    def host_of(self, user_id: str) -> str:
        """See `UserDirectory.host_of`."""
        return self._router.host_of(user_id)

    async def ask(self, requests: Sequence[Request]) -> list[Reply]:
        """See `UserDirectory.ask`."""
        if self._ownership.over:
            raise UserUnavailable(TAKEN_OVER)
        return await self._router.ask(requests, self._timeout)

    def watch(self, user_id: str, listener: Listener) -> Feed:
        """See `UserDirectory.watch`."""
        return self._router.watch(user_id, listener)

    async def change_rules(self, text: str) -> None:
        """See `Cluster.change_rules`."""
        self._settings = replace(self._settings, rules_text=text)
        for host in self._hosts.values():
            host.host.rules.change(text)

    def capacity(self) -> str:
        """See `Cluster.capacity`."""
        return (
            f"local, all users in this one process: about {self._users_max:,} in memory at a time "
            "here; beyond that the longest-idle ones are put to rest"
        )

    def activity(self) -> Activity:
        """See `UserDirectory.activity`."""
        return Activity.total(activity_of(host.host) for host in self._hosts.values())

    def status(self) -> ClusterStatus:
        """See `Cluster.status`: hosts in this process, on one node."""
        server = self._ownership.server
        incarnation = "" if server is None else server.incarnation
        hosts = tuple(host.status(incarnation) for host in self._hosts.values())
        return ClusterStatus("local", incarnation, build(), hosts)

    def host_name(self, user_id: str) -> str:
        """See `Cluster.host_name`."""
        return self.host_of(user_id)

    async def health(self) -> str:
        """See `Cluster.health`."""
        if self._ownership.over:
            return TAKEN_OVER
        for host in list(self._hosts.values()):
            if problem := await why_unusable(host.host):
                return problem
        return await self._ownership.problem()

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
        if self._ownership_check is not None:
            self._ownership_check.cancel()
        self._router.close()
        try:
            await asyncio.gather(*(host.end() for host in self._hosts.values()))
        finally:
            await self._ownership.close()

    def _on_fenced(self, name: str) -> None:
        loop = asyncio.get_running_loop()
        self._ownership_check = loop.create_task(self._check_ownership(name))

    async def _check_ownership(self, name: str) -> None:
        """A host had to stop, and cannot be replaced as on Ray: find out why, and begin anew."""
        try:
            await self._hosts[name].host.open()
        except Fenced:
            self._ownership.end()
        except Spoiled as error:
            if self._spoiled is not None and not self._spoiled.done():
                self._spoiled.set_result(f"This process can no longer tell what is kept: {error}")
        except StorageError as error:
            log.error("a host cannot open", host=name, reason=str(error))


class _LocalHost:
    """A host, what it has to do with moves, and its upkeep."""

    def __init__(self, host: Host, slots: HeldSlots) -> None:
        self.host = host
        self.handover = Handover(self.host, slots)
        self.upkeep: asyncio.Task[None] | None = None
        self._started_at = time.monotonic()

    def status(self, server: str) -> HostStatus:
        """How the host is; its process is the server's."""
        activity = activity_of(self.host)
        return HostStatus(
            self.host.name,
            HostState.FOLDING if activity.hosts_folding else HostState.OPEN,
            round(time.monotonic() - self._started_at, 1),
            process_id=os.getpid(),
            incarnation=server,
            build=build(),
            users_active=activity.users_active,
            journals=activity.journals,
        )

    async def end(self) -> None:
        """Finish what was accepted, snapshot every user, close the journal."""
        if self.upkeep is not None:
            self.upkeep.cancel()
        await self.host.drain()


async def _keep_up(host: Host, settings: HostSettings) -> None:
    upkeep = Upkeep(host.activations, settings)
    while True:
        await upkeep.round()


def _names(hosts: int) -> list[str]:
    return [HOST_NAME, *(f"{HOST_NAME}:{number}" for number in range(1, hosts))]


def machine_memory_bytes() -> int:
    """Memory this process can have: the machine's, or less where its container has a limit."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        return min(memory, int(_CGROUP_MEMORY_MAX.read_text()))
    except (OSError, ValueError):
        return memory

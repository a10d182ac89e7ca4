"""What runs in a host's own process, and how it ends.

One class for each placement; both wrap the same `Host`.

Not for: starting or finding processes (`ray_runtime`), or what a host does with a message (`host`).
"""

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

import structlog

from actors.cluster.contract import Activity
from actors.cluster.placement import user_of
from actors.gc_tuning import collect_new_objects_only
from actors.host.eviction import Upkeep
from actors.host.host import Host
from actors.host.settings import HostSettings
from actors.logs.host_log import HostLog
from actors.messages import Ask, not_here
from actors.monitoring.cluster_status import JournalActivity
from actors.private_folder import PrivateFolder
from actors.transport.addresses import (
    HostAddress,
    Identity,
    LocalAddress,
    RemoteAddress,
    RunningHost,
    ThisProcess,
)
from actors.transport.call_channel import decode_batch, encode_replies
from actors.transport.socket_server import SocketServer
from actors.user.refusals import RETRY_AFTER_MS
from persistence.errors import StorageError
from persistence.open import open_store

log = structlog.get_logger(__name__)

ORPHAN_PERIODS = 2
"""A user's process that no gateway passivates goes by itself after so many idle periods."""
ALONE_SECONDS = 600.0
"""A packed host without users goes by itself when no gateway has asked for it for so long."""
SOCKET_NAME = "host"

Leave = Callable[[], None]
"""Ends this process for good, without a restart."""

_WITHOUT_RULES = not_here("this host waits to be told the rules", RETRY_AFTER_MS)
"""Sends whoever asked back to find the host again, which begins with telling it the rules."""


class DedicatedHost:
    """The process of one user."""

    def __init__(
        self, name: str, settings: HostSettings, this_process: ThisProcess, leave: Leave
    ) -> None:
        collect_new_objects_only()
        self._log = HostLog(name, settings.log_level, settings.log_socket)
        self._process = this_process()
        self._settings = settings
        self._leave = leave
        self._store = open_store(settings.store_url)
        self._host = Host(name, self._store, settings, now=now, on_fenced=exit_to_be_restarted)
        self._last_command = time.monotonic()
        self._leaving: asyncio.Task[None] | None = None
        self._knows_rules = False

    async def change_rules(self, text: str) -> None:
        """Decide by these from the next turn on.

        Every life of this process is told before it is asked: Ray brings up one that died with the
        rules it first started with, and nobody on the way would notice.
        """
        self._host.rules.change(text)
        self._knows_rules = True

    async def ask(self, batch: bytes) -> bytes:
        """An encoded batch of request groups in, encoded replies out: see `CallChannel`."""
        groups = decode_batch(batch)
        if not self._knows_rules:
            return encode_replies([[_WITHOUT_RULES] * len(requests) for requests in groups])
        if any(isinstance(request, Ask) for requests in groups for request in requests):
            self._last_command = time.monotonic()
        if self._leaving is None:
            self._leaving = asyncio.create_task(self._leave_when_orphaned())
        pending = [self._host.accept(requests) for requests in groups]
        return encode_replies([await each.replies() for each in pending])

    async def ask_watched(self, batch: bytes) -> tuple[bytes, list[bytes] | None]:
        """The same, and the records that became durable meanwhile; None: some may be missing."""
        durable = _DurableRecords()
        watches, user_id = self._host.watches, user_of(self._host.name)
        watches.watch(user_id, durable)
        try:
            replies = await self.ask(batch)
            if (commits := self._host.journal.commits) is not None:
                with suppress(StorageError):  # of which the journal's loss has told
                    await commits.drained()  # also what a call decided whose caller has gone
        finally:
            watches.unwatch(user_id, durable)
        return replies, durable.records

    async def running(self) -> RunningHost:
        """The process that this is."""
        return self._process

    async def health(self) -> str:
        """Empty while it can keep what it decides; else one sentence on why not."""
        return await why_unusable(self._host)

    async def drain(self) -> list[str]:
        """Snapshot and close; whoever asked ends the process next.  What was logged meanwhile."""
        with self._log.collected() as events:
            await self._drain()
        return events

    async def _drain(self) -> None:
        await self._host.drain()
        await self._store.close()

    async def _leave_when_orphaned(self) -> None:
        """Go when the gateway that would have passivated this user is no more."""
        patience = self._settings.idle_seconds * ORPHAN_PERIODS
        while (left := self._last_command + patience - time.monotonic()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(left)  # it is time itself that is waited for
        await self._drain()
        self._leave()


class PackedHost:
    """The process of one slice of all users."""

    def __init__(
        self, name: str, settings: HostSettings, this_process: ThisProcess, leave: Leave
    ) -> None:
        collect_new_objects_only()
        self._log = HostLog(name, settings.log_level, settings.log_socket)
        self._process = this_process()
        self._settings = settings
        self._leave = leave
        self._store = open_store(settings.store_url)
        self._host = Host(name, self._store, settings, now=now, on_fenced=exit_to_be_restarted)
        self._identity = Identity.fresh(name)
        self._folder = PrivateFolder.make(len(f"/{SOCKET_NAME}"))
        self._starting = asyncio.Lock()
        self._knows_rules = False
        self._server: SocketServer | None = None
        self._door: SocketServer | None = None
        self._upkeep: asyncio.Task[None] | None = None
        self._last_seen = time.monotonic()

    async def where(self, node_id: str) -> HostAddress:
        """Where a gateway on that node is to send frames; the first call opens the host.

        Raises:
            StorageError: the host cannot be opened now.
        """
        self._last_seen = time.monotonic()
        path = str(self._folder.path / SOCKET_NAME)
        async with self._starting:
            if self._server is None:
                await self._host.open()
                self._server = await SocketServer.listen(self._host, path)
                self._upkeep = asyncio.create_task(self._keep_up())
            if node_id == self._process.node.id:
                return LocalAddress(path)
            if self._door is None:
                self._door = await SocketServer.listen_to_nodes(
                    self._host, self._process.node.ip, self._identity
                )
            return RemoteAddress(self._process.node.ip, self._door.port, self._identity)

    async def where_if_ready(self, node_id: str) -> HostAddress | None:
        """The same for whoever cannot tell the rules; None until a gateway has told this life.

        Raises:
            StorageError: the host cannot be opened now.
        """
        return await self.where(node_id) if self._knows_rules else None

    async def hosts(self) -> int:
        """How many hosts share all users."""
        return self._settings.hosts

    async def change_rules(self, text: str) -> None:
        """Decide by these from the next turn on."""
        self._host.rules.change(text)
        self._knows_rules = True

    async def knows_rules(self) -> bool:
        """Whether this life was told the rules in force; the first ones may be outdated."""
        return self._knows_rules

    async def activity(self) -> Activity:
        """What this host does, for metrics."""
        self._last_seen = time.monotonic()
        return activity_of(self._host)

    async def running(self) -> RunningHost:
        """The process that this is."""
        return self._process

    async def health(self) -> str:
        """Empty while it can keep what it decides; else one sentence on why not."""
        self._last_seen = time.monotonic()
        return await why_unusable(self._host)

    async def drain(self) -> list[str]:
        """Snapshot and close; whoever asked ends the process next.  What was logged meanwhile."""
        with self._log.collected() as events:
            await self._drain()
        return events

    async def _drain(self) -> None:
        if self._upkeep is not None:
            self._upkeep.cancel()
        await self._host.drain()
        for listening in (self._server, self._door):
            if listening is not None:
                listening.close()
        await self._store.close()
        self._folder.remove()

    async def _keep_up(self) -> None:
        """Let quiet users sleep, idle ones go in time, the longest-idle when memory runs short.

        A host that a server left behind, killed or cut off, goes itself when the last user has.
        """
        upkeep = Upkeep(self._host.activations, self._settings)
        while self._host.activations.users or time.monotonic() - self._last_seen < ALONE_SECONDS:
            await upkeep.round()
        log.warning("a host goes: no gateway asks for it any more", host=self._host.name)
        self._upkeep = None  # it is this task, which drains instead of being ended by it
        await self._drain()
        self._leave()


class _DurableRecords:
    """Gathers what becomes durable of one user; `records` is None once some may be missing."""

    def __init__(self) -> None:
        self.records: list[bytes] | None = []

    def changed(self, records: list[bytes]) -> None:
        if self.records is not None:
            self.records += records

    def read_anew(self) -> None:
        self.records = None


async def why_unusable(host: Host) -> str:
    """Empty while the host's journal is open, or can be opened now; else one sentence."""
    try:
        await host.open()
    except StorageError as error:
        return f"the store cannot be used: {error}"
    return ""


def activity_of(host: Host) -> Activity:
    """What a host does, for metrics."""
    users = host.activations
    return Activity(
        users_active=users.users,
        users_hibernated=len(users.hibernated),
        activations=users.activated,
        passivations=users.passivated,
        retries=0,
        journals=(
            JournalActivity(
                host.name,
                host.journal.batches,
                host.journal.fold_seconds,
                host.journal.records_folded,
            ),
        ),
        hosts_folding=(host.name,) if host.journal.opening else (),
    )


def now() -> int:
    """Microseconds since the Unix epoch."""
    return time.time_ns() // 1000


def exit_to_be_restarted() -> NoReturn:
    """End a fenced host at once; a non-zero exit makes Ray bring up a fresh one."""
    os._exit(1)

"""Packed placement: a few long-lived hosts, each a Ray actor with the users whose hash falls to it.

The choice for load: thousands of users in a process, and frames on a socket instead of calls.
Same host, mailboxes, journal and promises as dedicated placement.  On a cluster that was joined the
hosts are spread over its nodes, and one whose node dies comes back on another.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import msgspec
import structlog

from actors.cluster.contract import Activity, Failure
from actors.cluster.host_actor import PackedHost
from actors.cluster.placement import Room, packed_host, slot_of
from actors.cluster.ray_actor import RayActor
from actors.cluster.ray_runtime import RayActors, this_process
from actors.cluster.rules_broadcast import tell_all, tell_rules
from actors.errors import CannotScale, ClusterError, HostGone, UserUnavailable
from actors.feeds.feed import Feed, Listener
from actors.host.settings import HostSettings
from actors.messages import Reply, Request
from actors.monitoring.cluster_status import ClusterStatus, HostStatus
from actors.monitoring.host_presence import HostPresence
from actors.store_ownership import TAKEN_OVER
from actors.transport.addresses import HostAddress
from actors.transport.socket_channel import SocketChannel
from persistence.errors import Fenced, StorageError

log = structlog.get_logger(__name__)

START_SECONDS = 60.0
CANNOT_SCALE = (
    "Packed hosts on Ray cannot be scaled while they serve: start the server anew with --hosts."
)
MEMORY_SHARE = 0.8
"""How much of the memory that Ray reports hosts may take together."""
USER_BYTES = 16 * 1024
"""Memory a user takes; for the sentence on how many fit."""
ACTIVITY_SECONDS = 5.0


class PackedCluster:
    """User actors on Ray, packed into `hosts` processes; 0 works the number out."""

    def __init__(
        self,
        settings: HostSettings,
        actors: RayActors,
        *,
        hosts: int,
        ask_timeout_seconds: float,
    ) -> None:
        self._settings = settings
        self.actors = actors
        self._hosts = hosts
        self._timeout = ask_timeout_seconds
        self._channels: list[SocketChannel] = []
        self._started: list[RayActor | None] = []
        self._activity = Activity()
        self._activities: dict[str, Activity] = {}
        self._presence = HostPresence()
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """See `Cluster.start`; every host is open when it returns."""
        self._settings = await self.actors.connect()
        try:
            await self._start_hosts()
        except BaseException:
            await self._leave()
            raise

    async def _start_hosts(self) -> None:
        room = self.actors.room()
        self._hosts = self._hosts or room.hosts
        if self.actors.joined:
            self._check_room(room)
        memory = int(room.memory * MEMORY_SHARE / self._hosts)
        self._settings = msgspec.structs.replace(
            self._settings, memory_bytes_max=memory, hosts=self._hosts
        )
        self._started = [None] * self._hosts
        self._channels = [SocketChannel(partial(self.find, slot)) for slot in range(self._hosts)]
        try:
            async with asyncio.timeout(START_SECONDS):
                await asyncio.gather(*(self._open(slot) for slot in range(self._hosts)))
        except TimeoutError:
            raise ClusterError(
                f"{self._hosts} hosts were not up within {START_SECONDS:.0f} s; of the {room.cpus} "
                "CPUs others may hold some."
            ) from None
        except (HostGone, UserUnavailable) as error:
            if await self.actors.ownership.problem() == TAKEN_OVER:
                raise ClusterError("Another server took the store over meanwhile.") from error
            raise ClusterError(f"A host could not be started: {error}") from error
        self._watching = asyncio.create_task(self._watch())

    def _check_room(self, room: Room) -> None:
        """On a joined cluster a host asks for a whole CPU, also where it comes back."""
        if self._hosts > room.cpus:
            raise ClusterError(
                f"{self._hosts} hosts ask for a CPU each, and the Ray cluster has {room.cpus}: "
                "give fewer --hosts, or add nodes."
            )
        if self._hosts > room.cpus_left:
            log.warning(
                "hosts of a dead node may find no room",
                hosts=self._hosts,
                cpus_without_the_largest_node=room.cpus_left,
            )

    @property
    def hosts(self) -> int:
        """How many there are; known once it has started."""
        return self._hosts

    async def find(self, slot: int) -> HostAddress:
        """Where the host of this slot listens now; one that cannot open yet is asked again."""
        try:
            return await self._open(slot)
        except Fenced as error:
            await self.actors.shut_out()
            raise UserUnavailable(str(error)) from error
        except StorageError as error:
            log.error("a host cannot open", slot=slot, reason=str(error))
            raise HostGone(str(error)) from error

    async def _open(self, slot: int) -> HostAddress:
        """Find the host of this slot, or start it, and have it open; where it listens."""
        actor = await self.actors.get_or_start(
            PackedHost,
            packed_host(slot),
            self._settings,
            this_process,
            cpus=1 if self.actors.joined else 0,
        )
        self._started[slot] = actor
        await self.actors.follow(packed_host(slot), actor)
        where: HostAddress = await actor.call("where", self.actors.node.id)
        # Before anything is asked of it: one that came back has the rules it first started with.
        await tell_rules(actor, self._rules_text)
        return where

    async def change_rules(self, text: str) -> None:
        """See `Cluster.change_rules`."""
        self._settings = msgspec.structs.replace(self._settings, rules_text=text)
        found = [actor for actor in self._started if actor is not None]
        await tell_all(found, self._rules_text)

    def _rules_text(self) -> str:
        return self._settings.rules_text

    def host_of(self, user_id: str) -> int:
        """See `UserDirectory.host_of`."""
        return slot_of(user_id, self._hosts)

    def ask(self, requests: Sequence[Request]) -> Coroutine[Any, Any, list[Reply]]:
        """See `UserDirectory.ask`."""
        return self._channels[self.host_of(requests[0].user_id)].ask(requests, self._timeout)

    async def scale(self, hosts: int) -> None:
        """See `Cluster.scale`: it cannot."""
        raise CannotScale(CANNOT_SCALE)

    def capacity(self) -> str:
        """See `Cluster.capacity`."""
        fit = self._hosts * self._settings.memory_bytes_max // USER_BYTES
        return (
            f"packed, {self._hosts} host{'s' if self._hosts > 1 else ''}: about {fit:,} users in "
            "memory at a time here; beyond that the longest-idle ones are put to rest"
        )

    def watch(self, user_id: str, listener: Listener) -> Feed:
        """See `UserDirectory.watch`."""
        return self._channels[self.host_of(user_id)].watched.feeds.watch(user_id, listener)

    def activity(self) -> Activity:
        """See `UserDirectory.activity`; some seconds old."""
        retries = sum(channel.retries for channel in self._channels)
        deaths = self.actors.watch.deaths
        return msgspec.structs.replace(
            self._activity,
            retries=retries,
            host_deaths=deaths,
            hosts_away=self._presence.away,
        )

    async def _watch(self) -> None:
        """Ask the hosts from time to time whether they answer, and how many users they hold."""
        while True:
            await asyncio.sleep(ACTIVITY_SECONDS)
            # All are asked, also when one is just being replaced: they go when nobody does.
            asked = [
                self._ask_activity(packed_host(slot), actor)
                for slot, actor in enumerate(self._started)
                if actor is not None
            ]
            counts = await asyncio.gather(*asked)
            known = [each for each in counts if each is not None]
            if len(known) == self._hosts:
                self._activity = Activity.total(known)
            await asyncio.gather(*(self._find_if_back(slot) for slot in range(self._hosts)))

    async def _find_if_back(self, slot: int) -> None:
        """Tell a host the rules that came back while nobody here asked for its users.

        Others may (`questkeep_handles`), and are served once it knows them.
        """
        actor = self._started[slot]
        with suppress(HostGone, UserUnavailable, TimeoutError):
            async with asyncio.timeout(ACTIVITY_SECONDS):
                if actor is not None and not await actor.call("knows_rules"):
                    await self.find(slot)

    async def _ask_activity(self, host: str, actor: RayActor) -> Activity | None:
        """What the host does; None where it cannot serve anybody now, which is told."""
        reason = await actor.health()
        folding = False
        try:
            async with asyncio.timeout(ACTIVITY_SECONDS):
                await self.actors.follow(host, actor)  # one that came back before it was found
                activity: Activity = await actor.call("activity")
                self._activities[host] = activity
                folding = bool(activity.hosts_folding)
        except (HostGone, UserUnavailable, TimeoutError) as error:
            reason = reason or str(error) or "it does not answer"
        if reason:
            if folding:
                reason = "it is folding its journal"
            self._presence.silent(host, reason, folding=folding)
            return None
        for journal in activity.journals:
            self._presence.answered(journal.host, journal.records_folded, journal.fold_seconds)
        return activity

    async def health(self) -> str:
        """See `Cluster.health`."""
        started = [(slot, actor) for slot, actor in enumerate(self._started) if actor is not None]
        everything, *hosts = await asyncio.gather(
            self.actors.health(), *(actor.health() for _, actor in started)
        )
        if everything:
            return everything
        away = [
            f"host {slot + 1} of {self._hosts}: {problem}"
            for (slot, _), problem in zip(started, hosts, strict=True)
            if problem
        ]
        return "" if len(away) <= min(1, self._hosts - 1) else "; ".join(away)

    def status(self) -> ClusterStatus:
        """See `Cluster.status`."""
        hosts = [self._host_status(packed_host(slot)) for slot in range(self._hosts)]
        return self.actors.status("packed", hosts)

    def host_name(self, user_id: str) -> str:
        """See `Cluster.host_name`."""
        return packed_host(self.host_of(user_id))

    def _host_status(self, host: str) -> HostStatus:
        activity = self._activities.get(host, Activity())
        return HostStatus.of(
            host,
            self._presence.seen(host),
            self.actors.watch.running(host),
            users_active=activity.users_active,
            journals=activity.journals,
        )

    async def failed(self) -> Failure:
        """See `Cluster.failed`."""
        return await self.actors.failed()

    async def drain(self) -> None:
        """See `Cluster.drain`."""
        try:
            await self.actors.drain(
                [
                    (packed_host(slot), actor)
                    for slot, actor in enumerate(self._started)
                    if actor is not None
                ]
            )
        finally:
            await self._leave()

    async def _leave(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
        for channel in self._channels:
            channel.close()
        await self.actors.disconnect()

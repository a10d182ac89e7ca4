"""Packed placement: a few long-lived hosts, each a Ray actor with the users whose hash falls to it.

The choice for load: thousands of users in a process, and frames on a socket instead of calls.
Same host, mailboxes, journal and promises as dedicated placement.
"""

import asyncio
from collections.abc import Sequence
from functools import partial

import msgspec
import structlog

from actors.cluster import Activity, Capacity, ClusterError, HostSettings
from actors.envelope import Reply, Request
from actors.errors import AskAgain
from actors.hosting import PackedHost, Whereabouts
from actors.lane import HostGone
from actors.placement import packed_host, slot_of
from actors.ray_cluster import VERSION, RayActor, RayActors
from actors.rules_handover import tell_all, tell_rules
from actors.socket_lane import SocketLane
from persistence.errors import StorageError

log = structlog.get_logger(__name__)

START_SECONDS = 60.0
MEMORY_SHARE = 0.8
"""How much of the memory that Ray reports hosts may take together."""
RESIDENT_BYTES = 16 * 1024
"""Memory a resident user takes; for the sentence on how many fit."""
ACTIVITY_SECONDS = 5.0


class PackedCluster:
    """User actors on Ray, packed into `hosts` processes; 0 means one per CPU but one."""

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
        self._lanes: list[SocketLane] = []
        self._started: list[RayActor | None] = []
        self._activity = Activity(0, 0, 0, 0)
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """See `Cluster.start`; every host is open when it returns."""
        self._settings = await self.actors.connect()
        resources = self.actors.resources()
        self._hosts = self._hosts or max(1, int(resources.get("CPU", 1)) - 1)
        memory = int(resources.get("memory", 0) * MEMORY_SHARE / self._hosts)
        self._settings = msgspec.structs.replace(self._settings, memory_bytes_max=memory)
        self._started = [None] * self._hosts
        self._lanes = [SocketLane(partial(self._find, slot)) for slot in range(self._hosts)]
        async with asyncio.timeout(START_SECONDS):
            await asyncio.gather(*(self._open(slot) for slot in range(self._hosts)))
        self._watching = asyncio.create_task(self._watch())

    async def _find(self, slot: int) -> str:
        """Where the host of this slot listens now; one that cannot open yet is asked again."""
        try:
            return await self._open(slot)
        except StorageError as error:
            log.error("a host cannot open", slot=slot, reason=str(error))
            raise HostGone(str(error)) from error

    async def _open(self, slot: int) -> str:
        """Find the host of this slot, or start it, and have it open; where it listens."""
        actor = await self.actors.get_or_start(
            PackedHost, packed_host(slot), self._hosts, VERSION, self._settings
        )
        self._started[slot] = actor
        where: Whereabouts = await actor.call("where")
        self._check(where)
        # Before anything is asked of it: one that came back has the rules it first started with.
        await tell_rules(actor, self._rules_text)
        return where.socket_path

    async def change_rules(self, text: str) -> None:
        """See `Cluster.change_rules`."""
        self._settings = msgspec.structs.replace(self._settings, rules_text=text)
        found = [actor for actor in self._started if actor is not None]
        await tell_all(found, self._rules_text)

    def _rules_text(self) -> str:
        return self._settings.rules_text

    def _check(self, where: Whereabouts) -> None:
        """A host that runs already must be of this placement, this store and this version."""
        ours = (self._hosts, self._settings.store_url, VERSION)
        if (theirs := (where.hosts, where.store_url, where.version)) != ours:
            raise ClusterError(
                f"{where.name} runs already as one of {theirs[0]} hosts on {theirs[1]} with "
                f"Questkeep {theirs[2]}; this server wants {ours[0]} on {ours[1]} with {ours[2]}. "
                "Stop the other server first, or start with its settings."
            )

    async def ask(self, requests: Sequence[Request]) -> list[Reply]:
        """See `Cluster.ask`."""
        slot = slot_of(requests[0].user_id, self._hosts)
        return await self._lanes[slot].ask(requests, self._timeout)

    def capacity(self) -> Capacity:
        """See `Cluster.capacity`."""
        fit = self._hosts * self._settings.memory_bytes_max // RESIDENT_BYTES
        return Capacity(
            fit,
            f"packed, {self._hosts} host{'s' if self._hosts > 1 else ''}: about {fit:,} users in "
            "memory at a time here; beyond that the longest-idle ones are put to rest",
        )

    def activity(self) -> Activity:
        """See `Cluster.activity`; some seconds old."""
        retries = sum(lane.retries for lane in self._lanes)
        return msgspec.structs.replace(self._activity, retries=retries)

    async def _watch(self) -> None:
        """Ask the hosts from time to time how many users they hold."""
        while True:
            await asyncio.sleep(ACTIVITY_SECONDS)
            try:
                counts = [
                    await actor.call("residents") for actor in self._started if actor is not None
                ]
            except (HostGone, AskAgain):
                continue  # a host is just being replaced
            active, asleep, activations, passivations = map(sum, zip(*counts, strict=True))
            self._activity = Activity(active, activations, passivations, 0, asleep)

    async def drain(self) -> None:
        """See `Cluster.drain`."""
        if self._watching is not None:
            self._watching.cancel()
        await asyncio.gather(*(actor.drain() for actor in self._started if actor is not None))
        for lane in self._lanes:
            lane.close()
        await self.actors.disconnect()

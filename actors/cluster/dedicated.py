"""Dedicated placement: every active user is a named actor of their own, in a process of their own.

Right for the shape and for development; a process per user is wrong for load (`packed`).
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from itertools import islice

from msgspec.structs import replace

from actors.cluster.contract import Activity, Failure
from actors.cluster.host_actor import DedicatedHost
from actors.cluster.placement import dedicated_host
from actors.cluster.ray_actor import RayActor
from actors.cluster.ray_runtime import RayActors, this_process
from actors.cluster.rules_broadcast import tell_all, tell_rules
from actors.errors import CannotScale, Overloaded
from actors.feeds.feed import Feed, Feeds, Listener
from actors.host.settings import HostSettings
from actors.messages import Ask, Reply, Request
from actors.monitoring.cluster_status import ClusterStatus, HostState, HostStatus, Presence
from actors.transport.call_channel import CallChannel, Send

ACTOR_BYTES = 72 * 1024 * 1024
"""Memory one user's process takes: 53 MB of its own, measured, and room for its rows."""
MEMORY_SHARE = 0.8
"""How much of the memory that Ray reports user actors may take."""


USERS_ASKED = 8
"""How many users' processes are asked whether they answer."""


class _User:
    """An active user as the gateway knows them."""

    __slots__ = ("actor", "channel", "last_command", "user_id")
    channel: CallChannel

    def __init__(self, user_id: str) -> None:
        self.user_id = user_id
        self.actor: RayActor | None = None
        self.last_command = time.monotonic()


class DedicatedCluster:
    """User actors on Ray, one process each.

    Args:
        users_max: users active at once; 0 means as many as fit in Ray's memory.
    """

    def __init__(
        self,
        settings: HostSettings,
        actors: RayActors,
        *,
        users_max: int,
        ask_timeout_seconds: float,
    ) -> None:
        self._settings = settings
        self.actors = actors
        self._users_max = users_max
        self._timeout = ask_timeout_seconds
        self._keeps = not settings.store_url.startswith("memory:")
        self._users: OrderedDict[str, _User] = OrderedDict()  # longest without a command first
        self._feeds = Feeds(_nothing, _nothing)  # a host is told with each call
        self._leaving = 0
        self._activations = self._passivations = self._retries = 0
        self._passivating: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """See `Cluster.start`."""
        self._settings = await self.actors.connect()
        if self._users_max == 0:
            memory = self.actors.room().memory
            self._users_max = max(1, int(memory * MEMORY_SHARE / ACTOR_BYTES))
        if self._keeps:
            self._passivating = asyncio.create_task(self._passivate_idle())

    def host_of(self, user_id: str) -> str:
        """See `UserDirectory.host_of`: every user has a host of their own."""
        return user_id

    async def ask(self, requests: Sequence[Request]) -> list[Reply]:
        """See `UserDirectory.ask`."""
        user_id = requests[0].user_id
        user = self._users.get(user_id)
        if user is None:
            await self._make_room()
            user = self._users.get(user_id) or self._admit(user_id)
        if any(isinstance(one, Ask) for one in requests):
            user.last_command = time.monotonic()
            self._users.move_to_end(user_id)
        return await user.channel.ask(requests, self._timeout)

    def _admit(self, user_id: str) -> _User:
        user = _User(user_id)
        user.channel = CallChannel(partial(self._find_actor, user))
        self._users[user_id] = user
        return user

    async def _make_room(self) -> None:
        """Have place for one more user, or say that there is none."""
        while len(self._users) + self._leaving >= self._users_max:
            idle = next((user for user in self._users.values() if user.channel.idle), None)
            if idle is None or not self._keeps:
                raise Overloaded(
                    f"{self._users_max} users are active, as many as fit here, and none is idle"
                )
            await self._passivate(idle)

    async def _find_actor(self, user: _User) -> Send:
        """The user's actor, started if there is none."""
        if user.actor is None:
            self._activations += 1
        else:
            self._retries += 1
        user.actor = await self.actors.get_or_start(
            DedicatedHost, dedicated_host(user.user_id), self._settings, this_process
        )
        await self.actors.follow(dedicated_host(user.user_id), user.actor)
        await tell_rules(user.actor, self._rules_text)
        return partial(self._send, user.user_id, user.actor)

    async def _send(self, user_id: str, actor: RayActor, batch: bytes) -> bytes:
        """Call the actor; what became durable comes with the replies if anybody listens.

        Nobody but this gateway changes the user, so nothing becomes durable between two calls.
        """
        if user_id not in self._feeds:
            replies: bytes = await actor.call("ask", batch)
            return replies
        try:
            replies, records = await actor.call("ask_watched", batch)
        except BaseException:  # also when nobody waits for the answer any more
            self._feeds.lost([user_id])
            raise
        if records is None:
            self._feeds.lost([user_id])
        else:
            self._feeds.changed(records)
        return replies

    def watch(self, user_id: str, listener: Listener) -> Feed:
        """See `UserDirectory.watch`."""
        return self._feeds.watch(user_id, listener)

    async def change_rules(self, text: str) -> None:
        """See `Cluster.change_rules`."""
        self._settings = replace(self._settings, rules_text=text)
        found = [user.actor for user in self._users.values() if user.actor is not None]
        await tell_all(found, self._rules_text)

    def _rules_text(self) -> str:
        return self._settings.rules_text

    async def _passivate(self, user: _User) -> None:
        """Snapshot an idle user and end their process."""
        del self._users[user.user_id]
        if user.actor is None:
            return
        self._leaving += 1
        try:
            await self.actors.drain([(dedicated_host(user.user_id), user.actor)])
            self._passivations += 1
        finally:
            self._leaving -= 1

    async def _passivate_idle(self) -> None:
        while True:
            await asyncio.sleep(self._settings.idle_seconds / 2)
            longest = time.monotonic() - self._settings.idle_seconds
            for user in list(self._users.values()):
                if user.last_command < longest and user.channel.idle:
                    await self._passivate(user)

    async def scale(self, hosts: int) -> None:
        """See `Cluster.scale`: it cannot."""
        raise CannotScale("With dedicated placement every user has a host of their own.")

    def capacity(self) -> str:
        """See `Cluster.capacity`."""
        beyond = (
            "beyond that the longest-idle one is put to rest"
            if self._keeps
            else "further ones are refused, because memory:// would forget the longest-idle"
        )
        return (
            f"dedicated, one process a user: up to {self._users_max} users active at a time here; "
            f"{beyond}"
        )

    def activity(self) -> Activity:
        """See `UserDirectory.activity`."""
        return Activity(
            users_active=len(self._users),
            activations=self._activations,
            passivations=self._passivations,
            retries=self._retries,
            host_deaths=self.actors.watch.deaths,
        )

    def status(self) -> ClusterStatus:
        """See `Cluster.status`; users' own processes, the one asked last first, are few of many."""
        newest = islice(reversed(self._users), USERS_ASKED)
        return self.actors.status("dedicated", [self._host_status(user) for user in newest])

    def host_name(self, user_id: str) -> str:
        """See `Cluster.host_name`."""
        return dedicated_host(user_id)

    def _host_status(self, user_id: str) -> HostStatus:
        name = dedicated_host(user_id)
        running = self.actors.watch.running(name)
        state = HostState.AWAY if running is None else HostState.OPEN
        return HostStatus.of(name, Presence(state, 0.0), running, users_active=1)

    async def health(self) -> str:
        """See `Cluster.health`: one user's trouble is that user's own, unless all asked have it."""
        newest = list(islice(reversed(self._users.values()), USERS_ASKED))
        asked = [user.actor for user in newest if user.actor is not None]
        everything, *hosts = await asyncio.gather(
            self.actors.health(), *(actor.health() for actor in asked)
        )
        if everything or not hosts or not all(hosts):
            return everything
        return f"none of the {len(hosts)} users asked last can be served: {hosts[0]}"

    async def failed(self) -> Failure:
        """See `Cluster.failed`."""
        return await self.actors.failed()

    async def drain(self) -> None:
        """See `Cluster.drain`."""
        if self._passivating is not None:
            self._passivating.cancel()
        users, self._users = list(self._users.values()), OrderedDict()
        try:
            await self.actors.drain(
                [
                    (dedicated_host(user.user_id), user.actor)
                    for user in users
                    if user.actor is not None
                ]
            )
        finally:
            await self.actors.disconnect()


def _nothing(user_id: str) -> None: ...

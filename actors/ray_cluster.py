"""The cluster contract on Ray: every user a named, detached Ray actor of their own.

The one file that imports Ray.  Ray places, starts, restarts and finds actors; order, exactly-once
and single ownership are ours (`lane`, receipts, fencing), because Ray gives at-least-once at best
and can run two copies of an actor.

Not for: what an actor does with a message (`host`).
"""

import asyncio
import os
import time
from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from hashlib import blake2b
from importlib.metadata import version
from typing import Any, NoReturn

import ray
import ray.exceptions
import structlog

from actors.cluster import Activity, Capacity, ClusterError, HostSettings
from actors.collecting import collect_rarely
from actors.envelope import Ask, Reply, Request, decode_requests, encode
from actors.errors import Overloaded, UserUnavailable
from actors.host import Host
from actors.lane import HostGone, Lane, Send
from persistence.open import open_store
from persistence.recovery import fold

log = structlog.get_logger(__name__)

ACTOR_BYTES = 72 * 1024 * 1024
"""Memory one user's process takes: 53 MB of its own, measured, and room for its rows."""
MEMORY_SHARE = 0.8
"""How much of the memory that Ray reports user actors may take."""
STARTS_AT_ONCE = 4
"""Actors started side by side; a start costs about half a second of CPU."""
ORPHAN_PERIODS = 2
"""An actor that no gateway passivates goes by itself after so many idle periods."""


class UserHost:
    """What runs in a Ray actor's process: a host, and its way out."""

    def __init__(self, name: str, settings: HostSettings) -> None:
        collect_rarely()
        self._settings = settings
        self._store = open_store(settings.store_url)
        self._host = Host(
            name,
            self._store,
            settings,
            now=lambda: time.time_ns() // 1000,
            on_fenced=_exit_to_be_restarted,
        )
        self._last_command = time.monotonic()
        self._leaving: asyncio.Task[None] | None = None

    async def ask(self, batch: bytes) -> bytes:
        """Encoded requests in, encoded replies out."""
        requests = decode_requests(batch)
        if any(isinstance(one, Ask) for one in requests):
            self._last_command = time.monotonic()
        if self._leaving is None:
            self._leaving = asyncio.create_task(self._leave_when_orphaned())
        return encode(await self._host.ask(requests))

    async def drain(self) -> None:
        """Snapshot and close; whoever asked kills the actor next."""
        await self._host.drain()
        await self._store.close()

    async def _leave_when_orphaned(self) -> None:
        """Go when the gateway that would have passivated this actor is no more."""
        patience = self._settings.idle_seconds * ORPHAN_PERIODS
        while (left := self._last_command + patience - time.monotonic()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(left)  # it is time itself that is waited for
        await self.drain()
        ray.kill(ray.get_runtime_context().current_actor, no_restart=True)


def _installed_version() -> str:
    return version("questkeep")


def _exit_to_be_restarted() -> NoReturn:
    """End a fenced host at once; a non-zero exit makes Ray bring up a fresh one."""
    os._exit(1)


class RayCluster:
    """User actors on Ray, dedicated placement: `user:<id>` for every active user.

    The names stand in a Ray namespace of the store's own, so that servers of different stores can
    share a cluster and never reach each other's actors.

    Args:
        ray_address: `local` starts Ray on this machine, `auto` joins a running Ray or starts one,
            anything else is the address of a cluster to join.
        users_max: users active at once; 0 means as many as fit in Ray's memory.
    """

    def __init__(
        self,
        settings: HostSettings,
        *,
        ray_address: str,
        users_max: int,
        ask_timeout_seconds: float,
    ) -> None:
        self._settings = settings
        self._address = ray_address
        self._users_max = users_max
        self._timeout = ask_timeout_seconds
        self.namespace = (
            f"questkeep-{blake2b(settings.store_url.encode(), digest_size=4).hexdigest()}"
        )
        self._keeps = not settings.store_url.startswith("memory:")
        self._users: OrderedDict[str, _User] = OrderedDict()  # longest without a command first
        self._leaving = 0
        self._starting = asyncio.Semaphore(STARTS_AT_ONCE)
        self._activations = self._passivations = self._retries = 0
        self._passivating: asyncio.Task[None] | None = None
        self._remote: Any = ray.remote(UserHost)

    async def start(self) -> None:
        """See `Cluster.start`; takes Ray some seconds."""
        started_here = await asyncio.to_thread(self._connect_ray)
        if started_here:
            await self._recover()
        else:
            await asyncio.to_thread(self._check_nodes)
        if self._users_max == 0:
            memory = ray.cluster_resources().get("memory", 0)  # type: ignore[no-untyped-call]
            self._users_max = max(1, int(memory * MEMORY_SHARE / ACTOR_BYTES))
        if self._keeps:
            self._passivating = asyncio.create_task(self._passivate_idle())

    async def _recover(self) -> None:
        """Fold what hosts of earlier servers left, under whatever placement (P7).

        No host of ours runs yet; one of theirs that still does is fenced.
        """
        store = open_store(self._settings.store_url)
        folded = await fold(store, await store.streams(), self._settings.receipt_window)
        await store.close()
        if folded.records:
            log.info("recovered", records=folded.records, users=folded.users)

    def _connect_ray(self) -> bool:
        """Join or start Ray; whether it was started here."""
        common: dict[str, Any] = {
            "namespace": self.namespace,
            "logging_level": "ERROR",
            "log_to_driver": False,
            "configure_logging": True,
        }
        try:
            if self._address != "local":
                try:
                    ray.init(address=self._address, **common)
                    return False
                except ConnectionError:
                    if self._address != "auto":
                        raise
            self._start_ray(common)
            return True
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise ClusterError(f"Ray at {self._address!r} cannot be reached: {error}") from error

    def _check_nodes(self) -> None:
        """A cluster that others started has to have this Questkeep installed."""
        try:
            found = ray.get(ray.remote(_installed_version).remote(), timeout=60)
        except ray.exceptions.RayError as error:
            raise ClusterError(
                f"Ray at {self._address!r} cannot run Questkeep {version('questkeep')}: install it "
                "on every node, or start with --ray local"
            ) from error
        if found != version("questkeep"):
            raise ClusterError(
                f"Ray at {self._address!r} has Questkeep {found}, this is {version('questkeep')}"
            )

    def _start_ray(self, common: dict[str, Any]) -> None:
        """Ray on this machine, for this server alone."""
        ray.init(
            address="local",
            include_dashboard=True,  # `ray list actors` asks it; loopback only
            dashboard_host="127.0.0.1",
            object_store_memory=80 * 1024 * 1024,  # the least Ray takes; messages stay inline
            _system_config={"worker_niceness": 0},  # hosts must not yield to the gateway
            **common,
        )

    async def ask(self, requests: Sequence[Request]) -> list[Reply]:
        """See `Cluster.ask`."""
        user_id = requests[0].user_id
        user = self._users.get(user_id)
        if user is None:
            await self._make_room()
            user = self._users.get(user_id) or self._admit(user_id)
        if any(isinstance(one, Ask) for one in requests):
            user.last_command = time.monotonic()
            self._users.move_to_end(user_id)
        return await user.lane.ask(requests, self._timeout)

    def _admit(self, user_id: str) -> "_User":
        user = _User(user_id)
        user.lane = Lane(partial(self._find_actor, user))
        self._users[user_id] = user
        return user

    async def _make_room(self) -> None:
        """Have place for one more user, or say that there is none."""
        while len(self._users) + self._leaving >= self._users_max:
            idle = next((user for user in self._users.values() if user.lane.idle), None)
            if idle is None or not self._keeps:
                raise Overloaded(
                    f"{self._users_max} users are active, as many as fit here, and none is idle"
                )
            await self._passivate(idle)

    async def _find_actor(self, user: "_User") -> Send:
        """The user's actor, started if there is none."""
        async with self._starting:
            try:
                user.actor = await asyncio.to_thread(self._get_or_start, user.user_id)
            except (ValueError, ray.exceptions.RayError) as error:
                # The name is held by an actor that is just going.
                raise HostGone from error
        if not user.active:
            user.active = True
            self._activations += 1
        else:
            self._retries += 1
        return partial(_send, user.actor)

    def _get_or_start(self, user_id: str) -> Any:
        name = f"user:{user_id}"
        return self._remote.options(
            name=name,
            lifetime="detached",
            get_if_exists=True,
            num_cpus=0,
            max_restarts=-1,
            max_task_retries=0,
        ).remote(name, self._settings)

    async def _passivate(self, user: "_User") -> None:
        """Snapshot an idle user and end their process."""
        del self._users[user.user_id]
        self._leaving += 1
        try:
            await _drain(user.actor)
            self._passivations += 1
        finally:
            self._leaving -= 1

    async def _passivate_idle(self) -> None:
        while True:
            await asyncio.sleep(self._settings.idle_seconds / 2)
            longest = time.monotonic() - self._settings.idle_seconds
            for user in list(self._users.values()):
                if user.last_command < longest and user.lane.idle:
                    await self._passivate(user)

    def capacity(self) -> Capacity:
        """See `Cluster.capacity`."""
        return Capacity(
            self._users_max,
            f"dedicated, one process a user: up to {self._users_max} users active at a time here; "
            + (
                "beyond that the longest-idle one is put to rest"
                if self._keeps
                else "further ones are refused, because memory:// would forget the longest-idle"
            ),
        )

    def activity(self) -> Activity:
        """See `Cluster.activity`."""
        return Activity(len(self._users), self._activations, self._passivations, self._retries)

    async def drain(self) -> None:
        """See `Cluster.drain`; a Ray that was started here is stopped."""
        if self._passivating is not None:
            self._passivating.cancel()
        users, self._users = list(self._users.values()), OrderedDict()
        await asyncio.gather(*(_drain(user.actor) for user in users))
        await asyncio.to_thread(ray.shutdown)


class _User:
    """An active user as the gateway knows them."""

    __slots__ = ("active", "actor", "lane", "last_command", "user_id")
    lane: Lane

    def __init__(self, user_id: str) -> None:
        self.user_id = user_id
        self.actor: Any = None
        self.active = False
        self.last_command = time.monotonic()


async def _send(actor: Any, batch: bytes) -> bytes:
    try:
        reply: bytes = await actor.ask.remote(batch)
    except ray.exceptions.RayTaskError:
        raise  # our bug in the host
    except ray.exceptions.ActorDiedError as error:
        if error.actor_init_failed:
            log.error("a user's actor cannot start", reason=str(error))
            raise UserUnavailable("the user's actor cannot start; the log says why") from error
        raise HostGone(str(error)) from error
    except ray.exceptions.RayError as error:
        raise HostGone(str(error)) from error
    return reply


async def _drain(actor: Any) -> None:
    """End an actor in peace; one that is gone already left its journal to its successor."""
    if actor is None:
        return
    try:
        await actor.drain.remote()
    except ray.exceptions.RayError as error:
        log.warning("actor gone before it could be drained", reason=str(error))
    ray.kill(actor, no_restart=True)

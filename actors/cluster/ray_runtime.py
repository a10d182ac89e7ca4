"""Actors on Ray: start and find them, call them, end them.

Ray places, starts, restarts and finds actors; order, exactly-once and single ownership are ours
(channels, receipts, fencing), because Ray gives at-least-once at best and can run two copies of an
actor.  Ray's errors end here: the rest knows `HostGone` and `ClusterError`.

Not for: starting or joining Ray (`ray_session`), which actors there are (`dedicated`, `packed`), or
what runs in them (`host_actor`).
"""

import asyncio
import os
import signal
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import ray
import ray.exceptions
import structlog
from msgspec.structs import replace
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from actors.build import build
from actors.cluster.contract import Failure
from actors.cluster.placement import Room, namespaces_of
from actors.cluster.ray_actor import RayActor, end_actors
from actors.cluster.ray_nodes import ClusterWatch, check_nodes, room, this_node
from actors.cluster.ray_session import RaySession, first_line
from actors.errors import ClusterError, HostGone, UserUnavailable
from actors.host.settings import HostSettings
from actors.logs.host_events import HostEvents
from actors.monitoring.cluster_status import ClusterStatus, HostStatus
from actors.monitoring.host_watch import HostWatch
from actors.store_ownership import TAKEN_OVER, StoreOwnership
from actors.transport.addresses import Node, RunningHost
from persistence.open import open_store

log = structlog.get_logger(__name__)

T = TypeVar("T")

STARTS_AT_ONCE = 4
"""Actors started side by side; a start costs about half a second of CPU."""
WATCH_SECONDS = 1.0


class RayActors:
    """A Ray cluster and our actors in it.

    The actors' names stand in a Ray namespace of this server's own: no other server, of this store
    or another, ever finds or starts them.

    Args:
        address: `local` starts Ray on this machine, `auto` joins a running Ray or starts one,
            anything else is the address of a cluster to join.
        shared_folder: every node of the cluster has the store's folder, if it is one.

    Attributes:
        session: this server's part in the cluster.
        lost: why there is no Ray any more; empty while there is.
        ownership: this server's hold on the store.
        watch: which hosts run, and how many have died.
        cluster: its head and nodes.
        node: where this process runs.
    """

    def __init__(
        self, settings: HostSettings, address: str, *, shared_folder: bool = False
    ) -> None:
        self._settings = settings
        self.session = RaySession(address)
        self._one_machine = settings.store_url.startswith("file:") and not shared_folder
        self._starting = asyncio.Semaphore(STARTS_AT_ONCE)
        self.ownership = StoreOwnership(open_store(settings.store_url), settings.receipt_window)
        self._events = HostEvents()
        self.watch = HostWatch(self._explain_end)
        self.cluster = ClusterWatch()
        self.lost = ""
        self._noticed_loss = asyncio.Event()
        self.node = Node("", "")
        self.namespace = ""

    @property
    def joined(self) -> bool:
        """Others started this cluster; it stays when this server goes."""
        return self.session.joined

    async def connect(self) -> HostSettings:
        """Join or start the cluster, and recover what hosts of earlier servers left; seconds.

        What comes back are the settings that hosts are to be given.

        Raises:
            ClusterError: Ray cannot be reached, or cannot run this Questkeep on this store.
            StorageError: the store cannot be taken over.
        """
        try:
            await self._begin()
            self._settings = replace(self._settings, log_socket=await self._events.listen())
            return await self._move_in()
        except (ray.exceptions.RayError, RuntimeError, OSError) as error:
            await self.disconnect()
            raise ClusterError(f"Ray came up and then failed: {first_line(error)}.") from error
        except BaseException:
            await self.disconnect()
            raise

    async def _begin(self) -> None:
        """Join or start Ray.  Once begun that is not broken off, so that nothing of Ray stays."""
        beginning = asyncio.create_task(asyncio.to_thread(self.session.begin))
        try:
            await asyncio.shield(beginning)
        except asyncio.CancelledError:
            await asyncio.wait([beginning])
            beginning.exception()  # whatever it was, nobody asks for it any more
            raise
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.getsignal(number))  # Ray has put its own in their place

    async def _move_in(self) -> HostSettings:
        if self.joined:
            await asyncio.to_thread(
                check_nodes, self.session, self._settings.store_url, one_machine=self._one_machine
            )
        self.node = this_node()
        await self.cluster.begin(joined=self.joined)
        namespaces = namespaces_of(self._settings.store_url)
        if self._settings.store_url.startswith("memory:"):  # a world for each process
            self.namespace = f"{namespaces}{os.urandom(8).hex()}"
            return self._settings
        server = await self.ownership.take()
        self._settings = replace(self._settings, server=server)
        self.namespace = f"{namespaces}{server.incarnation}"
        await asyncio.to_thread(
            end_actors,
            lambda one: one.startswith(namespaces) and one != self.namespace,
        )
        return self._settings

    async def shut_out(self) -> None:
        """Another server has taken over: end our hosts, and start none again."""
        self.ownership.end()
        await asyncio.to_thread(end_actors, lambda one: one == self.namespace)

    async def get_or_start(
        self, kind: type, name: str, *arguments: Any, cpus: float = 0
    ) -> RayActor:
        """The actor of that name, detached from this process, started if there is none.

        `kind` gets its name, `arguments`, and a way to end itself.  Ray restarts it whenever it
        dies on its own.

        Raises:
            HostGone: the name is held by an actor that is just going; ask again.
            UserUnavailable: another server has taken over.
        """
        if self.ownership.over:
            raise UserUnavailable(TAKEN_OVER)
        if self.lost:
            raise UserUnavailable(self.lost)
        async with self._starting:
            try:
                return await self._unless_lost(
                    asyncio.to_thread(self._get_or_start, kind, name, arguments, cpus)
                )
            except (ValueError, ray.exceptions.RayError) as error:
                raise HostGone(str(error)) from error

    async def _unless_lost(self, work: Coroutine[Any, Any, T]) -> T:
        """What comes of `work`, which may never end when Ray does."""
        task = asyncio.create_task(work)
        loss = asyncio.create_task(self._noticed_loss.wait())
        try:
            await asyncio.wait({task, loss}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise UserUnavailable(self.lost)
            return task.result()
        finally:
            task.cancel()
            loss.cancel()

    def _get_or_start(
        self, kind: type, name: str, arguments: tuple[Any, ...], cpus: float
    ) -> RayActor:
        strategy: Any = "DEFAULT"
        if self.joined:
            strategy = "SPREAD"
            if self._one_machine:  # nodes may join later, and have another folder of that name
                strategy = NodeAffinitySchedulingStrategy(self.node.id, False)
        handle: Any = (
            ray.remote(kind)
            .options(
                name=name,
                namespace=self.namespace,
                lifetime="detached",
                get_if_exists=True,
                num_cpus=cpus,
                scheduling_strategy=strategy,
                max_restarts=-1,
                max_task_retries=0,
            )
            .remote(name, *arguments, leave_ray)
        )
        return RayActor(handle)

    def room(self) -> Room:
        """What the cluster has for hosts."""
        return room()

    async def health(self) -> str:
        """Empty while there is Ray, and a store that is this server's; else one sentence."""
        if self._is_lost():
            return self.lost
        return await self.ownership.problem()

    async def failed(self) -> Failure:
        """See `Cluster.failed`: without Ray, or shut out of the store."""
        taken_over = asyncio.create_task(self.ownership.lost())
        try:
            while not self._is_lost():
                await asyncio.wait([taken_over], timeout=WATCH_SECONDS)
                if taken_over.done():
                    taken_over.result()
                    await self.shut_out()
                    return Failure(TAKEN_OVER, taken_over=True)
            return Failure(self.lost)
        finally:
            taken_over.cancel()

    def _is_lost(self) -> bool:
        """Whether there is no Ray any more; then what is left of it is ended at once.

        Whoever waits for a host hears of it now and not when their time is up; what was answered
        stands in the journals.
        """
        if not self.lost:
            self.lost = self.session.lost() or self.cluster.problem
            if self.lost:
                self._noticed_loss.set()
                self.session.abandon()
        return bool(self.lost)

    def status(self, placement: str, hosts: Sequence[HostStatus]) -> ClusterStatus:
        """The cluster with these hosts, as it was seen last."""
        server = self.ownership.server
        return self.cluster.status(placement, "" if server is None else server.incarnation, hosts)

    async def drain(self, hosts: Sequence[tuple[str, RayActor]]) -> None:
        """End named hosts in peace; without Ray or the store there is nobody left to ask."""
        for name, _ in hosts:
            self.watch.expect_end(name)
        if not self.lost and not self.ownership.over:
            await asyncio.gather(*(actor.drain() for _, actor in hosts))

    async def follow(self, name: str, actor: RayActor) -> None:
        """Say in the log when this life of a host ends without being asked to."""
        host: RunningHost = await actor.call("running")
        self.watch.follow(name, host, here=not self.joined)

    async def _explain_end(self, host: RunningHost) -> str | None:
        """What Ray says of a host's end; None when it is Ray itself that is ending."""
        await asyncio.sleep(WATCH_SECONDS)  # hosts may go first
        if self.ownership.over or self._is_lost():
            return None
        return await asyncio.to_thread(self.session.why_ended, host.worker_id)

    async def disconnect(self) -> None:
        """End what actors of ours are left and leave the cluster; a Ray started here stops."""
        self.watch.close()
        self.cluster.end()
        await self.ownership.close()
        await asyncio.to_thread(self._end_and_leave)
        await self._events.close()

    def _end_and_leave(self) -> None:
        if self.lost:
            return  # abandoned already
        if self.joined and self.namespace:
            end_actors(lambda one: one == self.namespace)
        self.session.end()


def this_process() -> RunningHost:
    """The process that calls this."""
    return RunningHost(this_node(), os.getpid(), ray.get_runtime_context().get_worker_id(), build())


def leave_ray() -> None:
    """End the actor that calls this, for good."""
    ray.kill(ray.get_runtime_context().current_actor, no_restart=True)

"""Actors on Ray: start and find them, call them, end them.

Ray places, starts, restarts and finds actors; order, exactly-once and single ownership are ours
(channels, receipts, fencing), because Ray gives at-least-once at best and can run two copies of an
actor.  Ray's errors end here: the rest knows `HostGone` and `ClusterError`.

Not for: starting or joining Ray (`ray_session`), which actors there are (`dedicated`, `packed`), or
what runs in them (`host_actor`).
"""

import asyncio
import os
from collections.abc import Callable
from hashlib import blake2b
from importlib.metadata import version
from typing import Any

import ray
import ray.exceptions
import ray.util
import structlog
from msgspec.structs import replace
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from actors.cluster.placement import Room
from actors.cluster.ray_session import RaySession, first_line
from actors.errors import ClusterError, HostGone, UserUnavailable
from actors.host.settings import HostSettings
from actors.logs.host_events import HostEvents, relay_collected
from actors.transport.addresses import Node
from persistence.errors import StorageError
from persistence.journal.recovery import close_quietly, take_over
from persistence.open import open_store
from persistence.store import Stream, StreamId

log = structlog.get_logger(__name__)

STARTS_AT_ONCE = 4
"""Actors started side by side; a start costs about half a second of CPU."""
NODE_CHECK_SECONDS = 60.0
VERSION = version("questkeep")


class RayActor:
    """A named actor that runs somewhere."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    async def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of the actor.

        Raises:
            HostGone: the actor died or is just dying; what was sent may have been executed.
            StorageError: as the method raised it.
            UserUnavailable: it dies whenever it starts; the log says why.
        """
        try:
            return await getattr(self._handle, method).remote(*arguments)
        except ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, StorageError):
                raise error.cause from None
            raise  # our bug in the host
        except ray.exceptions.ActorDiedError as error:
            if error.actor_init_failed:
                log.error("an actor cannot start", reason=str(error))
                raise UserUnavailable("the actor cannot start; the log says why") from error
            raise HostGone(str(error)) from error
        except ray.exceptions.RayError as error:
            raise HostGone(str(error)) from error

    async def drain(self) -> None:
        """End the actor in peace; one that is gone already left its journal to its successor."""
        try:
            relay_collected(await self.call("drain"))
        except (HostGone, UserUnavailable) as error:
            log.warning("an actor was gone before it could be drained", reason=str(error))
        ray.kill(self._handle, no_restart=True)


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
        node: where this process runs.
    """

    def __init__(
        self, settings: HostSettings, address: str, *, shared_folder: bool = False
    ) -> None:
        self._settings = settings
        self.session = RaySession(address)
        self._one_machine = settings.store_url.startswith("file:") and not shared_folder
        self._starting = asyncio.Semaphore(STARTS_AT_ONCE)
        self._server: Stream | None = None
        self._over = False
        self._events = HostEvents()
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
        await asyncio.to_thread(self.session.begin)
        try:
            self._settings = replace(self._settings, log_socket=await self._events.listen())
            return await self._move_in()
        except (ray.exceptions.RayError, RuntimeError, OSError) as error:
            await self.disconnect()
            raise ClusterError(f"Ray came up and then failed: {first_line(error)}.") from error
        except BaseException:
            await self.disconnect()
            raise

    async def _move_in(self) -> HostSettings:
        if self.joined:
            await asyncio.to_thread(self._check_nodes)
        self.node = this_node()
        store_mark = blake2b(self._settings.store_url.encode(), digest_size=4).hexdigest()
        if self._settings.store_url.startswith("memory:"):  # a world for each process
            self.namespace = f"questkeep-{store_mark}-{os.urandom(8).hex()}"
            return self._settings
        server = await self._take_over()
        self.namespace = f"questkeep-{store_mark}-{server.incarnation}"
        await asyncio.to_thread(
            _end_actors,
            lambda one: one.startswith(f"questkeep-{store_mark}-") and one != self.namespace,
        )
        return self._settings

    def _check_nodes(self) -> None:
        """Every node of a cluster that others started needs this Questkeep, and the store."""
        if not self.session.asks_for_token:  # it let this process in without one
            log.warning("the Ray cluster asks for no token", address=self.session.address)
        nodes = {node["NodeID"]: node["NodeManagerAddress"] for node in _living_nodes()}
        if self._one_machine and len(nodes) > 1:
            raise ClusterError(
                f"The store {self._settings.store_url} is on one machine, and the Ray cluster at "
                f"{self.session.address!r} has {len(nodes)} nodes "
                f"({', '.join(sorted(nodes.values()))}): use s3://, gs:// or az://, or, if every "
                "node has that folder from a shared file system, say so with --file-store shared."
            )
        versions = [
            ray.remote(_installed_version)
            .options(num_cpus=0, scheduling_strategy=NodeAffinitySchedulingStrategy(node, False))
            .remote()
            for node in nodes
        ]
        for ip, version_there in zip(nodes.values(), versions, strict=True):
            try:
                installed = ray.get(version_there, timeout=NODE_CHECK_SECONDS)
            except ray.exceptions.GetTimeoutError as error:
                raise ClusterError(
                    f"Ray's node {ip} did not answer within {NODE_CHECK_SECONDS:.0f} s: is it "
                    "busy, or has it no CPU left?"
                ) from error
            except ray.exceptions.RayError as error:
                raise ClusterError(
                    f"Ray's node {ip} cannot run Questkeep {VERSION} ({_last_line(error)}): "
                    "install it on every node, where nothing on PYTHONPATH has the name of one of "
                    "its packages, or start with --ray local"
                ) from error
            if installed != VERSION:
                raise ClusterError(f"Ray's node {ip} has Questkeep {installed}, this is {VERSION}")

    async def _take_over(self) -> StreamId:
        """Shut hosts of earlier servers out of the store, wherever they still run."""
        store = open_store(self._settings.store_url)
        self._server, folded = await take_over(store, self._settings.receipt_window)
        self._settings = replace(self._settings, server=self._server.id)
        if folded.records:
            log.info("recovered", records=folded.records, users=folded.users)
        return self._server.id

    async def shut_out(self) -> None:
        """Another server has taken over: end our hosts, and start none again."""
        if not self._over:
            self._over = True
            log.error("another server has taken over", store=self._settings.store_url)
        await asyncio.to_thread(_end_actors, lambda one: one == self.namespace)

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
        if self._over:
            raise UserUnavailable("another server has taken over")
        async with self._starting:
            try:
                return RayActor(
                    await asyncio.to_thread(self._get_or_start, kind, name, arguments, cpus)
                )
            except (ValueError, ray.exceptions.RayError) as error:
                raise HostGone(str(error)) from error

    def _get_or_start(self, kind: type, name: str, arguments: tuple[Any, ...], cpus: float) -> Any:
        strategy: Any = "DEFAULT"
        if self.joined:
            strategy = "SPREAD"
            if self._one_machine:  # nodes may join later, and have another folder of that name
                strategy = NodeAffinitySchedulingStrategy(self.node.id, False)
        return (
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

    def room(self) -> Room:
        """What the cluster has for hosts."""
        found = [node["Resources"] for node in _living_nodes()]
        return Room.of([(int(one.get("CPU", 0)), int(one.get("memory", 0))) for one in found])

    async def health(self) -> str:
        """Empty while Ray answers and this server owns the store; else one sentence."""
        if self._over:
            return "another server has taken over the store"
        try:
            await asyncio.to_thread(_living_nodes)
        except (RuntimeError, ray.exceptions.RayError) as error:
            return f"Ray does not answer: {error}"
        return ""

    async def failed(self) -> str:
        """See `Cluster.failed`."""
        await asyncio.Event().wait()
        raise AssertionError("Ray is never given up")

    async def disconnect(self) -> None:
        """End what actors of ours are left and leave the cluster; a Ray started here stops."""
        if self._server is not None:
            await close_quietly(self._server)
        await asyncio.to_thread(self._end_and_leave)
        await self._events.close()

    def _end_and_leave(self) -> None:
        if self.joined and self.namespace:
            _end_actors(lambda one: one == self.namespace)
        self.session.end()


def this_node() -> Node:
    """The node of the process that calls this."""
    ip: str = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
    return Node(ray.get_runtime_context().get_node_id(), ip)


def _living_nodes() -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return [node for node in nodes if node["Alive"]]


def _end_actors(of: Callable[[str], bool]) -> None:
    """End every named actor in the namespaces that `of` picks, for good."""
    for found in ray.util.list_named_actors(all_namespaces=True):
        if of(found["namespace"]):
            try:
                handle = ray.get_actor(found["name"], namespace=found["namespace"])
            except ValueError:
                continue  # it went by itself
            ray.kill(handle, no_restart=True)


def leave_ray() -> None:
    """End the actor that calls this, for good."""
    ray.kill(ray.get_runtime_context().current_actor, no_restart=True)


def _last_line(error: Exception) -> str:
    """Where a traceback says what went wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def _installed_version() -> str:
    return version("questkeep")

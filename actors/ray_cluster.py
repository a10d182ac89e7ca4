"""Ray, and nothing but Ray: join or start a cluster, start and find actors, call them, end them.

The one file that imports Ray.  It places, starts, restarts and finds actors; order, exactly-once
and single ownership are ours (`lane`, receipts, fencing), because Ray gives at-least-once at best
and can run two copies of an actor.  Ray's errors end here: the rest knows `HostGone` and
`ClusterError`.

Not for: which actors there are (`dedicated`, `packed`), or what runs in them (`hosting`).
"""

import asyncio
from hashlib import blake2b
from importlib.metadata import version
from typing import Any

import ray
import ray.exceptions
import structlog
from msgspec.structs import replace

from actors.cluster import ClusterError, HostSettings
from actors.errors import UserUnavailable
from actors.lane import HostGone
from persistence.errors import StorageError
from persistence.open import open_store
from persistence.recovery import take_over
from persistence.store import Stream

log = structlog.get_logger(__name__)

STARTS_AT_ONCE = 4
"""Actors started side by side; a start costs about half a second of CPU."""
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
            await self.call("drain")
        except (HostGone, UserUnavailable) as error:
            log.warning("an actor was gone before it could be drained", reason=str(error))
        ray.kill(self._handle, no_restart=True)


class RayActors:
    """A Ray cluster and our actors in it.

    The actors' names stand in a Ray namespace of the store's own, so that servers of different
    stores can share a cluster and never reach each other's actors.

    Args:
        address: `local` starts Ray on this machine, `auto` joins a running Ray or starts one,
            anything else is the address of a cluster to join.
    """

    def __init__(self, settings: HostSettings, address: str) -> None:
        self._settings = settings
        self._address = address
        self._starting = asyncio.Semaphore(STARTS_AT_ONCE)
        self._server: Stream | None = None
        mark = blake2b(settings.store_url.encode(), digest_size=4).hexdigest()
        self.namespace = f"questkeep-{mark}"

    async def connect(self) -> HostSettings:
        """Join or start the cluster, and recover what hosts of earlier servers left; seconds.

        What comes back are the settings that hosts are to be given.

        Raises:
            ClusterError: Ray cannot be reached, or cannot run this Questkeep.
        """
        if not await asyncio.to_thread(self._join_or_start):
            await asyncio.to_thread(self._check_nodes)
        elif not self._settings.store_url.startswith("memory:"):  # a world for each process
            await self._take_over()
        return self._settings

    def _join_or_start(self) -> bool:
        """Whether Ray was started here."""
        common: dict[str, Any] = {
            "namespace": self.namespace,
            "logging_level": "ERROR",
            "log_to_driver": False,
        }
        try:
            if self._address != "local":
                try:
                    ray.init(address=self._address, **common)
                    return False
                except ConnectionError:
                    if self._address != "auto":
                        raise
            ray.init(
                address="local",
                include_dashboard=True,  # `ray list actors` asks it; loopback only
                dashboard_host="127.0.0.1",
                object_store_memory=80 * 1024 * 1024,  # the least Ray takes; messages stay inline
                _system_config={"worker_niceness": 0},  # hosts must not yield to the gateway
                **common,
            )
            return True
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise ClusterError(f"Ray at {self._address!r} cannot be reached: {error}") from error

    def _check_nodes(self) -> None:
        """A cluster that others started has to have this Questkeep installed."""
        try:
            found = ray.get(ray.remote(_installed_version).remote(), timeout=60)
        except ray.exceptions.RayError as error:
            raise ClusterError(
                f"Ray at {self._address!r} cannot run Questkeep {VERSION}: install it on every "
                "node, or start with --ray local"
            ) from error
        if found != VERSION:
            raise ClusterError(f"Ray at {self._address!r} has Questkeep {found}, this is {VERSION}")

    async def _take_over(self) -> None:
        """No host of ours runs yet; those of earlier servers that still do are shut out."""
        store = open_store(self._settings.store_url)
        self._server, folded = await take_over(store, self._settings.receipt_window)
        self._settings = replace(self._settings, server=self._server.id)
        if folded.records:
            log.info("recovered", records=folded.records, users=folded.users)

    async def get_or_start(
        self, kind: type, name: str, *arguments: Any, cpus: float = 0
    ) -> RayActor:
        """The actor of that name, detached from this process, started if there is none.

        `kind` gets its name, `arguments`, and a way to end itself.  Ray restarts it whenever it
        dies on its own.

        Raises:
            HostGone: the name is held by an actor that is just going; ask again.
        """
        async with self._starting:
            try:
                return RayActor(
                    await asyncio.to_thread(self._get_or_start, kind, name, arguments, cpus)
                )
            except (ValueError, ray.exceptions.RayError) as error:
                raise HostGone(str(error)) from error

    def _get_or_start(self, kind: type, name: str, arguments: tuple[Any, ...], cpus: float) -> Any:
        return (
            ray.remote(kind)
            .options(
                name=name,
                namespace=self.namespace,
                lifetime="detached",
                get_if_exists=True,
                num_cpus=cpus,
                max_restarts=-1,
                max_task_retries=0,
            )
            .remote(name, *arguments, leave_ray)
        )

    def resources(self) -> dict[str, float]:
        """What the cluster has in all: `CPU`, `memory` in bytes."""
        found: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        return found

    async def disconnect(self) -> None:
        """Leave the cluster; a Ray that was started here stops."""
        if self._server is not None:
            await self._server.close()
        await asyncio.to_thread(ray.shutdown)


def leave_ray() -> None:
    """End the actor that calls this, for good."""
    ray.kill(ray.get_runtime_context().current_actor, no_restart=True)


def _installed_version() -> str:
    return version("questkeep")

"""Actors on Ray: call one, ask how it is, end it, or end all of some namespaces.

Not for: finding or starting it (`ray_runtime`), or what it does (`host_actor`).
"""

import asyncio
from collections.abc import Callable
from typing import Any

import ray
import ray.exceptions
import ray.util
import structlog

from actors.errors import HostGone, UserUnavailable
from actors.logs.host_events import relay_collected
from persistence.errors import StorageError

log = structlog.get_logger(__name__)

HEALTH_SECONDS = 2.0
"""How long a host, or the store, may take to answer until it counts as not answering."""
HEALTH_PAUSE_SECONDS = 0.1


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
        await asyncio.to_thread(ray.kill, self._handle, no_restart=True)

    async def health(self) -> str:
        """Empty while the host answers that it can be used; else a phrase on why not.

        One that Ray is just bringing back is given a moment.
        """
        try:
            async with asyncio.timeout(HEALTH_SECONDS):
                while True:
                    try:
                        answer: str = await self.call("health")
                        return answer
                    except HostGone:
                        await asyncio.sleep(HEALTH_PAUSE_SECONDS)
        except TimeoutError:
            return "it does not answer"
        except UserUnavailable as error:
            return str(error)


def end_actors(of: Callable[[str], bool]) -> None:
    """End every named actor in the namespaces that `of` picks, for good."""
    for found in ray.util.list_named_actors(all_namespaces=True):
        if of(found["namespace"]):
            try:
                handle = ray.get_actor(found["name"], namespace=found["namespace"])
            except ValueError:
                continue  # it went by itself
            ray.kill(handle, no_restart=True)

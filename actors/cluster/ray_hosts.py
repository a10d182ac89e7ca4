"""The packed hosts of a server that runs on this Ray cluster, found by their names.

Hosts listen on sockets; Ray only tells where.  A host that died is found again when Ray has brought
it back and its server has told it the rules.  A server that was started anew has another namespace,
where its hosts are found as long as they are as many.

Not for: dedicated placement, whose users' processes only their server starts and listens to; or for
starting anything.
"""

import asyncio

import ray
import ray.util

from actors.cluster.placement import namespaces_of, packed_host
from actors.cluster.ray_actor import RayActor
from actors.cluster.ray_nodes import this_node
from actors.errors import ClusterError, HostGone, UserUnavailable
from actors.transport.addresses import HostAddress
from persistence.errors import StorageError

_PREFIX = "questkeep-"
_MARK_LENGTH = len(namespaces_of(""))


class RayHosts:
    """Finds the hosts of one server; a `HostLocator` once it has joined.

    Args:
        store_url: that of the server, as it was given to it; None where only one serves here.

    Attributes:
        hosts: how many share all users.
    """

    def __init__(self, store_url: str | None) -> None:
        self._namespaces = _PREFIX if store_url is None else namespaces_of(store_url)
        self.hosts = 0

    async def join(self) -> None:
        """Find the server.

        Raises:
            ClusterError: this process is in no Ray cluster, or there is no such server, or several.
        """
        if not ray.is_initialized():
            raise ClusterError("This process is in no Ray cluster: call ray.init(address=...).")
        try:
            namespace = await asyncio.to_thread(self._namespace)
            self._namespaces = namespace[:_MARK_LENGTH]  # whoever else serves here later
            host = await asyncio.to_thread(self._host, 0)
            self.hosts = await host.call("hosts")
        except HostGone as error:
            raise ClusterError(str(error)) from error

    async def changed(self) -> str:
        """Why this process has to join anew: the server has another number of hosts; else empty."""
        try:
            host = await asyncio.to_thread(self._host, 0)
            hosts = await host.call("hosts")
        except (HostGone, UserUnavailable, ClusterError):
            return ""  # it is just being started again
        return "" if hosts == self.hosts else f"the server has {hosts} hosts now, not {self.hosts}"

    async def find(self, slot: int) -> HostAddress:
        """See `FindHost`."""
        host = await asyncio.to_thread(self._host, slot)
        if await host.call("hosts") != self.hosts:
            raise UserUnavailable(
                f"the server was started anew and no longer has {self.hosts} hosts: connect again"
            )
        try:
            where: HostAddress | None = await host.call("where_if_ready", this_node().id)
        except StorageError as error:
            raise HostGone(str(error)) from error
        if where is None:
            raise HostGone("the host waits to be told the rules")
        return where

    def _host(self, slot: int) -> RayActor:
        name = packed_host(slot)
        namespace = self._namespace()
        try:
            return RayActor(ray.get_actor(name, namespace=namespace))
        except ValueError as error:
            raise HostGone(f"{name} is not there: {error}") from error

    def _namespace(self) -> str:
        """The newest server's.  Raises `ClusterError` and `HostGone`."""
        named: list[dict[str, str]] = ray.util.list_named_actors(all_namespaces=True)
        found = sorted(
            actor["namespace"]
            for actor in named
            if actor["name"] == packed_host(0) and actor["namespace"].startswith(self._namespaces)
        )
        if not found:
            raise HostGone(
                "No server with packed placement runs on this Ray cluster"
                + (" for that store." if self._namespaces != _PREFIX else ".")
            )
        if len({namespace[:_MARK_LENGTH] for namespace in found}) > 1:
            raise ClusterError("Servers of several stores run on this Ray cluster: name the store.")
        return found[-1]

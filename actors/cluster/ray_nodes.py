"""The nodes of a Ray cluster and its head: which there are, what they have for hosts, whether they
can run ours, and, of a cluster that was joined, how they are.

Not for: joining the cluster (`ray_session`).
"""

import asyncio
from collections.abc import Sequence
from contextlib import closing
from importlib.metadata import version
from typing import Any

import ray
import ray._private.state
import ray.exceptions
import ray.util
import structlog
from ray._raylet import GcsClient  # type: ignore[attr-defined]
from ray.core.generated import common_pb2
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from actors.build import build
from actors.cluster.placement import Room
from actors.cluster.ray_environment import reconnect_seconds
from actors.cluster.ray_session import RaySession
from actors.errors import ClusterError
from actors.monitoring.cluster_status import ClusterStatus, HostStatus, NodeState, NodeStatus
from actors.monitoring.head_watch import LOOK_SECONDS, HeadWatch
from actors.monitoring.node_watch import NodeWatch
from actors.transport.addresses import Node

log = structlog.get_logger(__name__)

CHECK_SECONDS = 60.0
_REASONS = common_pb2.NodeDeathInfo.Reason  # type: ignore[attr-defined]
LOST = frozenset({_REASONS.UNSPECIFIED, _REASONS.UNEXPECTED_TERMINATION})
"""Why a node is gone that nobody ended on purpose."""
VERSION = version("questkeep")


class ClusterWatch:
    """The head and the nodes of a cluster, looked at from time to time if it was joined.

    Of a Ray that was started here the processes themselves are watched: see `RaySession.lost`.
    """

    def __init__(self) -> None:
        self._head: HeadWatch | None = None
        self._nodes = NodeWatch()
        self._looking: asyncio.Task[None] | None = None

    @property
    def problem(self) -> str:
        """Why this is not the cluster any more that was joined; empty while it is."""
        return "" if self._head is None else self._head.problem

    async def begin(self, *, joined: bool) -> None:
        """See which nodes there are, and go on looking if others may end them."""
        self._nodes.seen(await asyncio.to_thread(_node_statuses))
        if joined:
            address: str = ray.get_runtime_context().gcs_address
            self._head = HeadWatch(address, lambda: _identity(address), reconnect_seconds())
            self._looking = asyncio.create_task(self._look(self._head))

    def end(self) -> None:
        """Look no more."""
        if self._looking is not None and self._head is not None:
            self._looking.cancel()
            self._head.close()

    def status(self, placement: str, server: str, hosts: Sequence[HostStatus]) -> ClusterStatus:
        """The cluster with these hosts, as it was seen last."""
        return ClusterStatus(
            placement,
            server,
            build(),
            tuple(hosts),
            self._nodes.nodes,
            self._nodes.expected,
            None if self._head is None else self._head.status(),
        )

    async def _look(self, head: HeadWatch) -> None:
        while not head.problem:
            if await head.look():
                try:
                    self._nodes.seen(await asyncio.to_thread(_node_statuses))
                except (ray.exceptions.RayError, RuntimeError) as error:
                    log.debug("the nodes could not be listed", reason=str(error))
            await asyncio.sleep(LOOK_SECONDS)


async def _identity(address: str) -> str:
    """The id of the cluster that answers there.  Ray's client waits long where nobody listens."""
    ip, _, port = address.rpartition(":")
    _, writer = await asyncio.open_connection(ip, int(port))
    with closing(writer):
        cluster_id = await asyncio.to_thread(lambda: GcsClient(address=address).cluster_id)
    return str(cluster_id.hex())


def _node_statuses() -> list[NodeStatus]:
    draining = ray._private.state.state.get_draining_nodes()
    return [
        NodeStatus(
            node["NodeID"],
            node["NodeManagerAddress"],
            NodeState.LOST
            if not node["Alive"]
            else NodeState.DRAINING
            if node["NodeID"] in draining
            else NodeState.ALIVE,
            int(node["Resources"].get("CPU", 0)),
        )
        for node in ray.nodes()  # type: ignore[no-untyped-call]
        if node["Alive"] or node["DeathReason"] in LOST
    ]


def this_node() -> Node:
    """The node of the process that calls this."""
    ip: str = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
    return Node(ray.get_runtime_context().get_node_id(), ip)


def room() -> Room:
    """What the cluster has for hosts."""
    found = [node["Resources"] for node in _living_nodes()]
    return Room.of([(int(one.get("CPU", 0)), int(one.get("memory", 0))) for one in found])


def check_nodes(session: RaySession, store_url: str, *, one_machine: bool) -> None:
    """Look whether every node of a cluster that others started can run our hosts.

    Args:
        one_machine: the store can be reached from one machine alone.

    Raises:
        ClusterError: which node cannot, and what it needs.
    """
    if not session.asks_for_token:  # it let this process in without one
        log.warning("the Ray cluster asks for no token", address=session.address)
    nodes = {node["NodeID"]: node["NodeManagerAddress"] for node in _living_nodes()}
    if one_machine and len(nodes) > 1:
        raise ClusterError(
            f"The store {store_url} is on one machine, and the Ray cluster at "
            f"{session.address!r} has {len(nodes)} nodes ({', '.join(sorted(nodes.values()))}): "
            "use s3://, gs:// or az://, or, if every node has that folder from a shared file "
            "system, say so with --file-store shared."
        )
    versions = [
        ray.remote(_installed_version)
        .options(num_cpus=0, scheduling_strategy=NodeAffinitySchedulingStrategy(node, False))
        .remote()
        for node in nodes
    ]
    for ip, version_there in zip(nodes.values(), versions, strict=True):
        _check_version(ip, version_there)


def _check_version(ip: str, version_there: Any) -> None:
    try:
        installed = ray.get(version_there, timeout=CHECK_SECONDS)
    except ray.exceptions.GetTimeoutError as error:
        raise ClusterError(
            f"Ray's node {ip} did not answer within {CHECK_SECONDS:.0f} s: is it busy?"
        ) from error
    except ray.exceptions.RayError as error:
        raise ClusterError(
            f"Ray's node {ip} cannot run Questkeep {VERSION} ({_last_line(error)}): install it on "
            "every node, where nothing on PYTHONPATH has the name of one of its packages, or "
            "start with --ray local."
        ) from error
    if installed != VERSION:
        raise ClusterError(f"Ray's node {ip} has Questkeep {installed}, this is {VERSION}.")


def _living_nodes() -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return [node for node in nodes if node["Alive"]]


def _last_line(error: Exception) -> str:
    """Where a traceback says what went wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def _installed_version() -> str:
    return version("questkeep")

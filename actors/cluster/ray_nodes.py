"""The nodes of a Ray cluster: which there are, what they have for hosts, whether they can run ours.

Not for: joining the cluster (`ray_session`).
"""

from importlib.metadata import version
from typing import Any

import ray
import ray.exceptions
import ray.util
import structlog
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from actors.cluster.placement import Room
from actors.cluster.ray_session import RaySession
from actors.errors import ClusterError
from actors.transport.addresses import Node

log = structlog.get_logger(__name__)

CHECK_SECONDS = 60.0
VERSION = version("questkeep")


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

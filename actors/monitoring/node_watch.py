"""Which nodes a cluster has: says in the log when one joins, is lost, drains or goes.

Not for: asking Ray for them (`actors.cluster.ray_nodes`), or moving hosts away.
"""

from collections.abc import Sequence

import structlog

from actors.monitoring.cluster_status import NodeState, NodeStatus

log = structlog.get_logger(__name__)

_HERE = frozenset({NodeState.ALIVE, NodeState.DRAINING})


class NodeWatch:
    """The nodes of one cluster, as they were seen last.

    Attributes:
        nodes: those that are there, and those that were lost and did not come back.
        expected: how many should be there: the most that were at once, but for those that were
            ended on purpose.
    """

    def __init__(self) -> None:
        self.nodes: tuple[NodeStatus, ...] = ()
        self.expected = 0
        self._known: dict[str, NodeStatus] | None = None

    def seen(self, nodes: Sequence[NodeStatus]) -> None:
        """These are the nodes now; one that ended on purpose is none of them."""
        here = {node.id: node for node in nodes if node.state in _HERE}
        addresses = {node.address for node in here.values()}
        lost = {
            node.address: node
            for node in nodes
            if node.state is NodeState.LOST and node.address not in addresses
        }
        if self._known is not None:
            self._log(self._known, here, {node.id for node in nodes})
        self.expected = max(len(here), min(self.expected, len(here) + len(lost)))
        # A machine that was replaced under another address is missed by nobody.
        missed = list(lost.values())[: self.expected - len(here)]
        self._known = here
        self.nodes = (*here.values(), *missed)

    def _log(
        self, before: dict[str, NodeStatus], now: dict[str, NodeStatus], ids: set[str]
    ) -> None:
        for id_, node in now.items():
            if id_ not in before:
                log.info("a node joined", node=node.address, cpus=node.cpus)
            elif node.state is not before[id_].state and node.state is NodeState.DRAINING:
                log.warning("a node drains", node=node.address)
        for id_, node in before.items():
            if id_ in now:
                continue
            if id_ in ids:
                log.error("a node is lost", node=node.address, nodes_left=len(now))
            else:
                log.info("a node left", node=node.address, nodes_left=len(now))

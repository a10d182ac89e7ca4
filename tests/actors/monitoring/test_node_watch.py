"""Nodes that join, are lost, drain and go: each is told once; who is missed is counted."""

import pytest
from structlog.testing import capture_logs

from actors.monitoring.cluster_status import NodeState, NodeStatus
from actors.monitoring.node_watch import NodeWatch

ALIVE, DRAINING, LOST = NodeState.ALIVE, NodeState.DRAINING, NodeState.LOST


def node(id_: str, state: NodeState = ALIVE, address: str = "") -> NodeStatus:
    return NodeStatus(id_, address or f"address of {id_}", state, 2)


@pytest.mark.parametrize(
    ("seen", "expected", "here", "logged"),
    [
        ([["a", "b"], ["a", "b"]], 2, 2, []),
        ([["a"], ["a", "b"]], 2, 2, ["a node joined"]),
        ([["a", "b"], ["a", ("b", LOST)]], 2, 1, ["a node is lost"]),
        ([["a", "b"], ["a", ("b", DRAINING)]], 2, 2, ["a node drains"]),
        ([["a", "b"], ["a"]], 1, 1, ["a node left"]),  # ended on purpose: it is none any more
        (
            [["a", "b"], ["a", ("b", LOST)], ["a", ("b", LOST), ("b2", ALIVE, "address of b")]],
            2,
            2,
            ["a node is lost", "a node joined"],  # it came back, which is another node to Ray
        ),
        (
            [["a", "b"], ["a", ("b", LOST)], ["a", ("b", LOST), "c"]],
            2,
            2,
            ["a node is lost", "a node joined"],  # another machine has taken its place
        ),
        ([["a", ("old", LOST)]], 1, 1, []),  # lost before this server began
    ],
)
def test_what_nodes_do_is_told_and_who_is_missed_is_counted(
    seen: list[list[object]], expected: int, here: int, logged: list[str]
) -> None:
    watch = NodeWatch()
    with capture_logs() as lines:
        for nodes in seen:
            watch.seen([node(each) if isinstance(each, str) else node(*each) for each in nodes])  # type: ignore[misc]
    assert watch.expected == expected
    assert len([each for each in watch.nodes if each.state is not LOST]) == here
    assert len(watch.nodes) == expected
    assert [line["event"] for line in lines] == logged

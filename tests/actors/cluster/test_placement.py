"""Placement: how many hosts a cluster gets, so that those of a dead node find room elsewhere."""

import pytest

from actors.cluster.placement import Room, slot_of

GB = 2**30


@pytest.mark.parametrize(
    ("nodes", "hosts", "memory"),
    [
        ([(1, GB)], 1, GB),  # the gateway and the one host share it
        ([(8, GB)], 7, GB),  # one for the gateway
        ([(4, GB), (4, GB)], 4, GB),
        ([(3, GB), (4, 2 * GB), (4, 2 * GB)], 7, 3 * GB),
        ([(0, GB), (1, GB)], 1, GB),
    ],
)
def test_by_default_hosts_find_room_whichever_node_dies(
    nodes: list[tuple[int, int]], hosts: int, memory: int
) -> None:
    room = Room.of(nodes)
    assert (room.hosts, room.memory) == (hosts, memory)
    assert room.cpus == sum(cpus for cpus, _ in nodes)


def test_a_user_belongs_to_the_same_slot_for_ever() -> None:
    assert [slot_of(user, 7) for user in ("alice", "bob", "carol")] == [5, 2, 5]

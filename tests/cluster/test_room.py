"""Whether a cluster has room for the hosts that are wanted: asked before any starts.  No Ray."""

from typing import cast

import pytest

from actors.cluster import ClusterError, HostSettings
from actors.packed import PackedCluster
from actors.placement import Room
from actors.ray_cluster import RayActors
from tests.actors.kit import settings


class Joined:
    """A joined cluster with room for so much, in which no actor ever starts."""

    def __init__(self, room: Room) -> None:
        self.joined = True
        self.left = False
        self._room = room

    async def connect(self) -> HostSettings:
        return settings()

    def room(self) -> Room:
        return self._room

    async def get_or_start(self, *_: object, **__: object) -> None:
        raise ClusterError("this is as far as the test goes")

    async def disconnect(self) -> None:
        self.left = True


async def start(room: Room, hosts: int) -> Joined:
    """Try to start `hosts` hosts; what is raised goes on."""
    actors = Joined(room)
    cluster = PackedCluster(settings(), cast(RayActors, actors), hosts=hosts, ask_timeout_seconds=1)
    try:
        await cluster.start()
    finally:
        assert actors.left
    return actors


async def test_more_hosts_than_cpus_are_refused_before_any_starts() -> None:
    with pytest.raises(ClusterError, match=r"9 hosts ask for a CPU each, and .* has 8"):
        await start(Room(cpus=8, cpus_left=4, memory=1), 9)


async def test_hosts_that_would_find_no_room_elsewhere_are_warned_of(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for hosts, warned in ((4, False), (5, True)):
        with pytest.raises(ClusterError, match="as far as"):
            await start(Room(cpus=8, cpus_left=4, memory=1), hosts)
        assert ("hosts of a dead node may find no room" in capsys.readouterr().out) is warned

"""Whether a cluster has room for the hosts that are wanted: asked before any starts.  No Ray."""

from typing import cast

import pytest

from actors.cluster.packed import PackedCluster
from actors.cluster.placement import Room
from actors.cluster.ray_runtime import RayActors
from actors.errors import ClusterError
from actors.host.settings import HostSettings
from tests.actors.host_kit import settings

ROOM = Room.of([(4, 2**30), (4, 2**30)])


class Joined:
    """A joined cluster of two nodes, in which no actor ever starts."""

    def __init__(self) -> None:
        self.joined = True
        self.left = False

    async def connect(self) -> HostSettings:
        return settings()

    def room(self) -> Room:
        return ROOM

    async def get_or_start(self, *_: object, **__: object) -> None:
        raise ClusterError("this is as far as the test goes")

    async def disconnect(self) -> None:
        self.left = True


async def start(hosts: int) -> None:
    """Try to start `hosts` hosts; what is raised goes on, and the cluster was left."""
    actors = Joined()
    cluster = PackedCluster(settings(), cast(RayActors, actors), hosts=hosts, ask_timeout_seconds=1)
    try:
        await cluster.start()
    finally:
        assert actors.left


async def test_more_hosts_than_cpus_are_refused_before_any_starts() -> None:
    with pytest.raises(ClusterError, match=r"9 hosts ask for a CPU each, and .* has 8"):
        await start(9)


async def test_hosts_that_would_find_no_room_elsewhere_are_warned_of(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for hosts, warned in ((4, False), (5, True)):
        with pytest.raises(ClusterError, match="as far as"):
            await start(hosts)
        assert ("hosts of a dead node may find no room" in capsys.readouterr().out) is warned

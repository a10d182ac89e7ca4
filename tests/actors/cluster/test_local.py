"""The local cluster over a store: who owns it, what a successor finds, what ends it."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from actors import store_ownership
from actors.cluster.contract import Failure
from actors.cluster.local import LocalCluster, machine_memory_bytes
from actors.errors import ClusterError, DeliveryCode, UserUnavailable
from actors.host.settings import HostSettings
from actors.messages import Request
from actors.store_ownership import TAKEN_OVER
from persistence.disk.store import DiskStore
from persistence.errors import Fenced, Spoiled, Unavailable
from persistence.journal.recovery import check_server, take_over
from persistence.memory import Faults, MemoryStore, World
from persistence.store import StreamId
from tests.actors.host_kit import RULES_TEXT, body, grant, look

Another = Callable[[], LocalCluster]


@pytest.fixture
async def another() -> AsyncIterator[Another]:
    """Clusters of one store, each as in a process of its own."""
    world = World()
    clusters: list[LocalCluster] = []

    def make() -> LocalCluster:
        clusters.append(LocalCluster(HostSettings("memory://", RULES_TEXT), MemoryStore(world)))
        return clusters[-1]

    yield make
    for cluster in clusters:
        await cluster.drain()


async def version(cluster: LocalCluster, user_id: str) -> int:
    (reply,) = await cluster.ask([look(user_id)])
    return int(body(reply)["version"])


async def test_what_a_dead_one_acknowledged_its_successor_has(another: Another) -> None:
    dead = another()
    await dead.start()
    await dead.ask([grant("alice", "c1"), grant("alice", "c2")])
    successor = another()
    await successor.start()
    assert await version(successor, "alice") == 2
    (replayed,) = await successor.ask([grant("alice", "c2")])
    assert body(replayed)["replayed"] is True


async def test_one_that_was_taken_over_serves_nobody_and_says_so(another: Another) -> None:
    old, new = another(), another()
    await old.start()
    await old.ask([grant("alice", "c1")])
    assert await old.health() == ""
    await new.start()
    (refused,) = await old.ask([grant("alice", "c2")])
    assert refused.code == "outcome_unknown"
    while "another server has taken over" not in await old.health():
        pass
    with pytest.raises(UserUnavailable, match="another server has taken over"):
        await old.ask([grant("alice", "c2")])
    assert await old.failed() == Failure(TAKEN_OVER, taken_over=True)
    assert await version(new, "alice") == 1
    assert await new.health() == ""


async def test_one_that_was_taken_over_finds_out_by_itself(
    another: Another, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_ownership, "CHECK_SECONDS", 0.01)
    old, new = another(), another()
    await old.start()
    failed = asyncio.create_task(old.failed())
    while not (await asyncio.wait([failed], timeout=0))[1]:
        pass
    await new.start()
    assert (await failed).taken_over


class SpoiledStore(MemoryStore):
    """A disk that has lost what it was to keep, once that is asked for."""

    spoiled = False

    async def claim(self, host: str):  # type: ignore[no-untyped-def]
        if self.spoiled:
            raise Spoiled("an earlier sync failed")
        return await super().claim(host)


async def test_one_that_cannot_trust_its_disk_any_more_has_failed_for_good() -> None:
    faults = Faults()
    store = SpoiledStore(World(), faults)
    cluster = LocalCluster(HostSettings("memory://", RULES_TEXT), store)
    await cluster.start()
    store.spoiled = True
    faults.appends_lost = 1
    (lost,) = await cluster.ask([grant("alice", "c1")])
    assert lost.code == "outcome_unknown"
    (refused,) = await cluster.ask([grant("alice", "c1")])
    assert refused.code == "user_unavailable"
    failure = await cluster.failed()
    assert "can no longer tell" in failure.reason
    assert not failure.taken_over
    assert "an earlier sync failed" in await cluster.health()
    await cluster.drain()


async def test_a_store_that_is_away_at_the_start_is_named() -> None:
    class Away(MemoryStore):
        async def claim(self, host: str):  # type: ignore[no-untyped-def]
            raise Unavailable("the disk is away")

    cluster = LocalCluster(HostSettings("memory://", RULES_TEXT), Away(World()))
    with pytest.raises(ClusterError, match="the disk is away"):
        await cluster.start()


async def test_a_store_that_came_back_is_healthy_again() -> None:
    faults = Faults()
    cluster = LocalCluster(HostSettings("memory://", RULES_TEXT), MemoryStore(World(), faults))
    await cluster.start()
    faults.appends_lost = 1
    await cluster.ask([grant("alice", "c1")])
    assert await cluster.health() == ""
    (reply,) = await cluster.ask([grant("alice", "c1")])
    assert body(reply)["version"] == 1
    await cluster.drain()


async def test_users_beyond_the_limit_make_room_for_each_other() -> None:
    cluster = LocalCluster(HostSettings("memory://", RULES_TEXT), MemoryStore(World()), users_max=3)
    await cluster.start()

    async def until_there_is_room(request: Request) -> int:
        """Whoever comes while all of the others are on their way out is told to come again."""
        while (reply := (await cluster.ask([request]))[0]).code == DeliveryCode.OVERLOADED:
            assert reply.retry_after_ms
            await asyncio.sleep(0)
        return int(body(reply)["version"])

    for number in range(20):
        assert await until_there_is_room(grant(f"u{number}", "c")) == 1
    assert "about 3 in memory" in cluster.capacity()
    for number in range(20):
        assert await until_there_is_room(look(f"u{number}")) == 1
    await cluster.drain()


def test_the_memory_of_a_machine_is_known() -> None:
    assert machine_memory_bytes() > 2**28


async def test_a_store_that_is_emptied_is_no_other_server(tmp_path: Path) -> None:
    """A cause is named only when it was found."""
    cluster = LocalCluster(HostSettings("", RULES_TEXT), DiskStore(tmp_path / "store"))
    await cluster.start()
    await cluster.ask([grant("alice", "c1")])
    shutil.rmtree(tmp_path / "store")
    with capture_logs() as events:
        await cluster.ask([grant("alice", "c2")])
        reason = await cluster.health()
        (refused,) = await cluster.ask([grant("alice", "c2")])
        await cluster.drain()
    assert refused.code == "user_unavailable"
    assert "No such file or directory" in reason
    assert "another server" not in repr(events)


async def test_a_store_without_any_server_is_no_other_server_either() -> None:
    store = MemoryStore(World())
    with pytest.raises(Unavailable, match="no mark of this server any more: it was emptied"):
        await check_server(store, StreamId("server", "of-before"))
    taken, _ = await take_over(store, 1)
    with pytest.raises(Fenced, match="another server has taken over"):
        await check_server(store, StreamId("server", "of-before"))
    await check_server(store, taken.id)

"""Hosts that come and go while users play: local placement, no Ray."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from actors.cluster.local import LocalCluster
from actors.errors import ClusterError
from actors.feeds.changes import WholeState
from actors.feeds.subscription import Subscription
from actors.messages import ReadChanges
from actors.slots import moves
from domain.state.position import Position
from persistence.disk.store import DiskStore
from persistence.errors import Unavailable
from persistence.memory import MemoryStore, World
from persistence.slot_table import NAME, read_table
from tests.actors.host_kit import body, grant, look, settings

WAIT_SECONDS_MAX = 2.0
USERS = [f"user-{number}" for number in range(40)]


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[LocalCluster]:
    started = LocalCluster(settings(), DiskStore(tmp_path), hosts=2)
    await started.start()
    yield started
    await started.drain()


class Load:
    """Users who act until they are stopped, each asked once: nothing may fail."""

    def __init__(self, cluster: LocalCluster) -> None:
        self.longest_wait = 0.0
        self.acknowledged = dict.fromkeys(USERS, 0)
        self._cluster = cluster
        self._stopped = False
        self._playing = [asyncio.create_task(self._play(user)) for user in USERS]

    async def _play(self, user: str) -> None:
        loop = asyncio.get_running_loop()
        while not self._stopped:
            number = self.acknowledged[user]
            began = loop.time()
            [reply] = await self._cluster.ask([grant(user, f"c{number}", 1)])
            self.longest_wait = max(self.longest_wait, loop.time() - began)
            assert body(reply)["version"] == number + 1
            self.acknowledged[user] += 1
            await asyncio.sleep(0.001)

    async def answered(self, times: int) -> None:
        """Return when every user has had so many more answers."""
        least = {user: count + times for user, count in self.acknowledged.items()}
        while any(self.acknowledged[user] < count for user, count in least.items()):
            for ended in [play for play in self._playing if play.done()]:
                ended.result()
            await asyncio.sleep(0.001)

    async def stop(self) -> None:
        self._stopped = True
        await asyncio.gather(*self._playing)


async def test_from_two_to_four_to_three_hosts_no_command_fails_and_nobody_waits(
    cluster: LocalCluster,
) -> None:
    load = Load(cluster)
    for hosts in (4, 3):
        await load.answered(3)
        await cluster.scale(hosts)
        assert {cluster.host_of(f"anybody-{number}") for number in range(200)} == {
            "local",
            *(f"local:{number}" for number in range(1, hosts)),
        }
    await load.stop()
    assert load.longest_wait < WAIT_SECONDS_MAX
    for user, count in load.acknowledged.items():
        [reply] = await cluster.ask([look(user)])
        assert count == body(reply)["version"] == body(reply)["player_progression"]["total_xp"]
        assert count > 0


async def test_what_was_acknowledged_around_a_move_the_next_server_has(tmp_path: Path) -> None:
    world = World()
    dead = LocalCluster(settings(), MemoryStore(world), hosts=1)
    await dead.start()
    await asyncio.gather(*(dead.ask([grant(user, "before")]) for user in USERS))
    await dead.scale(4)
    await asyncio.gather(*(dead.ask([grant(user, "after")]) for user in USERS))
    successor = LocalCluster(settings(), MemoryStore(world), hosts=3)
    await successor.start()
    for user in USERS:
        [again] = await successor.ask([grant(user, "after")])
        assert (body(again)["version"], body(again)["replayed"]) == (2, True)
    for cluster in (dead, successor):
        await cluster.drain()


async def test_a_table_has_only_so_many_hosts(cluster: LocalCluster) -> None:
    for hosts in (0, 17):
        with pytest.raises(ClusterError, match="for 1 to 16"):
            await cluster.scale(hosts)


class Told:
    """A watcher; every version comes once and in order."""

    def __init__(self) -> None:
        self.versions: list[int] = []

    def state(self, state: WholeState) -> None:
        raise AssertionError(f"the whole state again: {state.why}")

    def changed(self, change) -> None:  # type: ignore[no-untyped-def]
        self.versions.append(change.version)

    def caught_up(self, position: Position) -> None:
        pass

    def failed(self, error: Exception) -> None:
        raise error


async def test_whoever_watches_goes_along_and_misses_nothing(cluster: LocalCluster) -> None:
    watchers = {user: Told() for user in USERS}
    subscriptions = []
    for user, told in watchers.items():
        await cluster.ask([grant(user, "first")])
        [reply] = await cluster.ask([look(user)])
        after = Position.parse(reply.position)
        subscriptions.append(Subscription(cluster, ReadChanges(user, after), told))
    for round_, hosts in enumerate((4, 1, 3)):
        await asyncio.gather(
            cluster.scale(hosts), *(cluster.ask([grant(user, f"c{round_}")]) for user in USERS)
        )
        await asyncio.gather(*(cluster.ask([grant(user, f"d{round_}")]) for user in USERS))
    while any(told.versions != [2, 3, 4, 5, 6, 7] for told in watchers.values()):  # noqa: ASYNC110
        await asyncio.sleep(0)
    for subscription in subscriptions:
        subscription.close()


async def test_requests_of_many_users_in_one_are_answered_in_order_while_slots_move(
    cluster: LocalCluster,
) -> None:
    scaling = asyncio.create_task(cluster.scale(4))
    for round_ in range(20):
        replies = await cluster.ask([grant(user, f"c{round_}") for user in USERS])
        assert [body(reply)["version"] for reply in replies] == [round_ + 1] * len(USERS)
    await scaling


async def test_a_move_that_fails_leaves_the_users_where_they_are_and_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(moves, "PAUSE_SECONDS", 0)
    store = MemoryStore(World())
    cluster = LocalCluster(settings(), store, hosts=1)
    await cluster.start()
    await asyncio.gather(*(cluster.ask([grant(user, "c")]) for user in USERS))
    store.faults.snapshot_writes = 1
    with pytest.raises(ClusterError, match="was not written"):
        await cluster.scale(2)  # the new host does not get into the table
    await cluster.scale(2)
    store.faults.snapshot_writes = 1
    await cluster.scale(1)
    table = await read_table(store)
    assert table is not None
    assert len(table.slots_of("local")) == 64
    for user in USERS:
        [reply] = await cluster.ask([grant(user, "c")])
        assert body(reply)["replayed"]
    await cluster.drain()


async def test_moves_that_go_on_failing_are_given_up_and_nobody_notices(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Reluctant(MemoryStore):
        async def write_snapshot(self, user_id: str, version: int, payload: bytes) -> None:
            if user_id != NAME and self.reluctant:
                raise Unavailable("no snapshot today")
            await super().write_snapshot(user_id, version, payload)

        reluctant = False

    monkeypatch.setattr(moves, "PAUSE_SECONDS", 0)
    store = Reluctant(World())
    cluster = LocalCluster(settings(), store, hosts=1)
    await cluster.start()
    await asyncio.gather(*(cluster.ask([grant(user, "c")]) for user in USERS))
    store.reluctant = True
    with pytest.raises(ClusterError, match="slots of local could not be moved: no snapshot today"):
        await cluster.scale(2)
    for user in USERS:
        [reply] = await cluster.ask([grant(user, "d")])
        assert body(reply)["version"] == 2
    store.reluctant = False
    await cluster.scale(2)
    await cluster.drain()

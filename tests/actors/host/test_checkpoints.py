"""When a journal is folded into snapshots: by its bytes, its batches or its age, and at a stop."""

import asyncio
import itertools

import pytest

from actors.host import checkpoints, journal
from persistence import eras
from persistence.memory import MemoryStore
from tests.actors.host_kit import Rig, ask, grant

command_ids = itertools.count()


def batches(rig: Rig) -> int:
    """How many stand in journals."""
    return sum(len(each.batches) for each in rig.world.journals.values())


def under_way(rig: Rig) -> bool:
    """Whether a snapshot is being written."""
    journal = rig.host.journal
    return journal.checkpoints is not None and bool(journal.checkpoints._writing)


async def until_journals_are_empty(rig: Rig) -> None:
    async with asyncio.timeout(20):
        while batches(rig):  # noqa: ASYNC110 - the rest of the process is what is waited for
            await asyncio.sleep(0)


async def turns(rig: Rig, count: int, users: int) -> list[int]:
    """So many turns, one batch each, of users in turn; the snapshots written after each."""
    written: list[int] = []
    write = MemoryStore.write_snapshot

    async def counted(self: MemoryStore, user_id: str, version: int, payload: bytes) -> None:
        written[-1] += 1
        await write(self, user_id, version, payload)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MemoryStore, "write_snapshot", counted)
        for number in range(count):
            written.append(0)
            await ask(rig.host, grant(f"u{number % users}", f"c{next(command_ids)}"))
            await rig.host.tasks.wait_idle()
    return written


@pytest.mark.parametrize("users", [1, 7, 50, 1_000])
async def test_a_journal_never_holds_more_batches_than_its_store_reads_back_quickly(
    monkeypatch: pytest.MonkeyPatch, users: int
) -> None:
    monkeypatch.setattr(MemoryStore, "batches_max", 40)
    rig = Rig()
    for number in range(300):
        await ask(rig.host, grant(f"u{number % users}", f"c{number}"))
        await rig.host.tasks.wait_idle()
        assert batches(rig) <= 40


async def test_a_journal_never_holds_more_users_than_its_store_folds_quickly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(MemoryStore, "users_max", 40)
    rig = Rig()
    for number in range(300):  # a batch for each
        await ask(rig.host, grant(f"u{number}", "c"))
        await rig.host.tasks.wait_idle()
        assert batches(rig) <= 40


async def test_snapshots_of_a_checkpoint_are_spread_over_the_growth_of_the_journal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(MemoryStore, "batches_max", 200)
    rig = Rig()
    await turns(rig, 200, users=50)
    written = await turns(rig, 400, users=50)
    assert max(written) == 1
    assert 100 <= sum(written) <= 150  # each user once in not much less than a length
    at = [number for number, count in enumerate(written) if count]
    assert max(after - before for before, after in itertools.pairwise(at)) <= 10


async def test_a_wave_of_users_who_came_once_is_spread_as_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(MemoryStore, "batches_max", 200)
    rig = Rig()
    await ask(rig.host, *(grant(f"w{number}", "c") for number in range(300)))
    await rig.host.tasks.wait_idle()
    written = await turns(rig, 250, users=1)
    assert max(written) <= 4
    assert {f"w{number}" for number in range(300)} <= set(rig.world.snapshots)


async def test_who_has_the_oldest_record_is_written_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MemoryStore, "batches_max", 20)
    rig = Rig()
    for number in range(5):
        await ask(rig.host, grant(f"u{number}", "c"))
    while len(rig.world.snapshots) <= 3:
        await turns(rig, 1, users=1)
    written = [name for name in rig.world.snapshots if name != eras.NAME]
    assert written == [f"u{number}" for number in range(len(written))]


async def test_their_number_alone_folds_nothing_where_batches_share_a_file() -> None:
    rig = Rig()
    for number in range(50):
        await ask(rig.host, grant("u", f"c{number}"))
    assert batches(rig) == 50
    assert "u" not in rig.world.snapshots


async def test_a_journal_that_is_old_is_folded_though_nobody_plays_any_more() -> None:
    rig = Rig(checkpoint_seconds=0.01)
    await ask(rig.host, grant("u", "c"))
    await until_journals_are_empty(rig)
    assert rig.world.snapshots["u"].version == 1


async def test_what_came_during_a_checkpoint_is_folded_by_the_next() -> None:
    rig = Rig(checkpoint_seconds=0.01)
    rig.faults.before_snapshot_write = asyncio.Event()
    await ask(rig.host, grant("u", "c0"))
    async with asyncio.timeout(20):
        while not under_way(rig):  # noqa: ASYNC110
            await asyncio.sleep(0)
    await ask(rig.host, grant("v", "c1"))
    rig.faults.before_snapshot_write.set()
    await until_journals_are_empty(rig)
    assert {"u", "v"} <= set(rig.world.snapshots)


async def test_a_checkpoint_that_failed_is_not_tried_at_every_commit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(MemoryStore, "batches_max", 1)
    rig = Rig()
    rig.faults.snapshot_writes = 1_000
    for number in range(50):
        await ask(rig.host, grant("u", f"c{number}"))
    assert 1_000 - rig.faults.snapshot_writes <= 2
    assert batches(rig) == 50


async def test_a_checkpoint_that_failed_is_tried_again_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checkpoints, "PAUSE_SECONDS", 0.01)
    rig = Rig(checkpoint_bytes=1)
    rig.faults.snapshot_writes = 3
    await ask(rig.host, grant("u", "c"))
    await until_journals_are_empty(rig)
    assert rig.world.snapshots["u"].version == 1


async def test_a_stop_writes_the_snapshots_of_many_users_at_once() -> None:
    rig = Rig()
    await ask(rig.host, *(grant(f"u{number}", "c") for number in range(100)))
    waiting = 0
    write = MemoryStore.write_snapshot
    most = [0]

    async def count(self: MemoryStore, user_id: str, version: int, payload: bytes) -> None:
        nonlocal waiting
        waiting += 1
        most[0] = max(most[0], waiting)
        await asyncio.sleep(0)
        await write(self, user_id, version, payload)
        waiting -= 1

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MemoryStore, "write_snapshot", count)
        await rig.host.drain()
    assert most[0] == journal.DRAIN_SNAPSHOTS_AT_ONCE == 64
    assert all(f"u{number}" in rig.world.snapshots for number in range(100))
    assert rig.world.journals == {}

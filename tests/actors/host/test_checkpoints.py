"""When a journal is folded into snapshots: by its bytes, its batches or its age, and at a stop."""

import asyncio

import pytest

from actors.host import journal
from persistence.memory import MemoryStore
from tests.actors.host_kit import Rig, ask, grant


def batches(rig: Rig) -> int:
    """How many stand in journals."""
    return sum(len(each.batches) for each in rig.world.journals.values())


async def until_journals_are_empty(rig: Rig) -> None:
    async with asyncio.timeout(20):
        while batches(rig):  # noqa: ASYNC110 - the rest of the process is what is waited for
            await asyncio.sleep(0)


async def test_a_journal_of_many_small_batches_is_folded_where_each_is_an_object(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(MemoryStore, "batches_max", 5)
    rig = Rig()
    for number in range(4):
        await ask(rig.host, grant("u", f"c{number}"))
    assert batches(rig) == 4
    assert "u" not in rig.world.snapshots
    await ask(rig.host, grant("u", "c4"))
    await until_journals_are_empty(rig)
    assert rig.world.snapshots["u"].version == 5


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
        while not rig.host.journal._checkpointing:  # noqa: ASYNC110
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
    monkeypatch.setattr(journal, "CHECKPOINT_PAUSE_SECONDS", 0.01)
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

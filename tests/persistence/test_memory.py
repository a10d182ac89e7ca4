"""Faults on request, in the memory store that ships."""

import asyncio

import pytest

from persistence.errors import Fenced, Unavailable
from persistence.memory import Faults, MemoryStore, World, world
from persistence.store import Batch, Stored
from tests.conformance.store_kit import batches


async def test_a_lost_append_stores_nothing_and_breaks_the_stream() -> None:
    shared, faults = World(), Faults(appends_lost=1)
    stream = await MemoryStore(shared, faults).claim("users:1")
    for _ in range(2):
        with pytest.raises(Unavailable):
            await stream.append(b"x")
    assert await batches(MemoryStore(shared), stream.id) == []


async def test_an_unconfirmed_append_is_stored_and_breaks_the_stream() -> None:
    shared, faults = World(), Faults(appends_unconfirmed=1)
    stream = await MemoryStore(shared, faults).claim("users:1")
    for _ in range(2):
        with pytest.raises(Unavailable):
            await stream.append(b"x")
    assert await batches(MemoryStore(shared), stream.id) == [Batch(1, b"x")]


async def test_faults_count_down_and_end() -> None:
    store = MemoryStore(World(), Faults(reads=1, snapshot_writes=1))
    with pytest.raises(Unavailable):
        await store.write_snapshot("alice", 1, b"one")
    with pytest.raises(Unavailable):
        await store.read_snapshot("alice")
    await store.write_snapshot("alice", 1, b"one")
    assert await store.read_snapshot("alice") == Stored(1, b"one")
    store.faults.reads = 1
    stream = await store.claim("users:1")
    with pytest.raises(Unavailable):
        await batches(store, stream.id)


async def test_an_append_held_after_it_was_stored_still_finds_the_fence() -> None:
    shared, faults = World(), Faults(after_append=asyncio.Event())
    stream = await MemoryStore(shared, faults).claim("users:1")
    appending = asyncio.create_task(stream.append(b"x"))
    successor = MemoryStore(shared)
    while not await batches(successor, stream.id):  # noqa: ASYNC110 - the moment is the point
        await asyncio.sleep(0)
    await successor.fence(stream.id)
    assert faults.after_append is not None
    faults.after_append.set()
    with pytest.raises(Fenced):
        await appending


async def test_an_append_held_before_it_is_stored_never_is() -> None:
    shared, faults = World(), Faults(before_append=asyncio.Event())
    stream = await MemoryStore(shared, faults).claim("users:1")
    appending = asyncio.create_task(stream.append(b"x"))
    await asyncio.sleep(0)
    await MemoryStore(shared).fence(stream.id)
    assert faults.before_append is not None
    faults.before_append.set()
    with pytest.raises(Fenced):
        await appending
    assert await batches(MemoryStore(shared), stream.id) == []


async def test_a_snapshot_write_held_back_loses_to_a_newer_one() -> None:
    shared, faults = World(), Faults(before_snapshot_write=asyncio.Event())
    late = asyncio.create_task(MemoryStore(shared, faults).write_snapshot("alice", 7, b"late"))
    await asyncio.sleep(0)
    await MemoryStore(shared).write_snapshot("alice", 9, b"nine")
    assert faults.before_snapshot_write is not None
    faults.before_snapshot_write.set()
    await late
    assert await MemoryStore(shared).read_snapshot("alice") == Stored(9, b"nine")


def test_a_name_stands_for_one_world() -> None:
    assert world("test one") is world("test one")
    assert world("test one") is not world("test two")

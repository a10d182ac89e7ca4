"""Checks of an object store that fails on request: each raises where a promise was broken.

Not for: the table of faults that they are tried with (`test_faults`).
"""

import asyncio
import random
from collections.abc import Callable

import pytest

from persistence.errors import Unavailable
from persistence.objects.store import ObjectStore
from persistence.store import Stored
from tests.conformance.store_kit import batches
from tests.faulty_object_store_kit import (
    Fault,
    FaultyBucket,
    Objects,
    at_a_rate,
    in_turn,
    open_store,
)
from tests.persistence.objects.ledger_kit import Ledger, live, recover


async def an_append_outlasts_a_fault_and_knows_its_own_batch(fault: Fault, times: int) -> None:
    objects = Objects()
    store = open_store(FaultyBucket(objects, in_turn("create", None, *[fault] * times)))
    writer = await store.claim("users:1")
    assert await writer.append(b"one") == 1
    objects.let_late_ones_arrive()
    assert await writer.append(b"two") == 2
    found = await batches(open_store(FaultyBucket(objects)), writer.id)
    assert [batch.payload for batch in found] == [b"one", b"two"]


async def an_append_that_cannot_be_known_breaks_the_stream_for_good() -> None:
    """P8. And a refusal that no second try can help is not tried twice."""
    objects, down = Objects(), list[Fault]()
    store = open_store(FaultyBucket(objects, lambda operation, name: down[0] if down else None))
    for fault in (Fault.REFUSED, Fault.DENIED):
        down.clear()
        writer = await store.claim("users:1")
        down.append(fault)
        with pytest.raises(Unavailable):
            await writer.append(b"one")
        down.clear()
        with pytest.raises(Unavailable):
            await writer.append(b"two")
        await writer.close()
        assert await batches(store, writer.id) == []
        assert writer.id in await store.streams()


async def a_late_snapshot_loses(open_one: Callable[[FaultyBucket], ObjectStore]) -> None:
    """P6: paused after reading version 3, it writes 4 when 9 stands."""
    objects = Objects()
    stale_bucket = FaultyBucket(objects)
    stale, fresh = open_one(stale_bucket), open_one(FaultyBucket(objects))
    await fresh.write_snapshot("alice", 3, b"three")
    stale_bucket.gates["replace"] = asyncio.Event()
    writing = asyncio.create_task(stale.write_snapshot("alice", 4, b"four, late"))
    await stale_bucket.held.wait()
    await fresh.write_snapshot("alice", 9, b"nine")
    stale_bucket.gates["replace"].set()
    await writing
    assert await fresh.read_snapshot("alice") == Stored(9, b"nine")


async def a_stale_host_between_its_look_and_its_write_loses() -> None:
    await a_late_snapshot_loses(open_store)


async def nothing_is_lost(rate: float, seed: int) -> None:
    dice, objects, ledger = random.Random(seed), Objects(), Ledger()

    def open_one() -> ObjectStore:
        bucket = FaultyBucket(objects, at_a_rate(rate, dice), dice, turns=3, page=3)
        return open_store(bucket, seed=seed)

    await live(open_one, objects, ledger, dice, lives=15)
    objects.let_late_ones_arrive()
    await recover(open_store(FaultyBucket(objects)), ledger)
    ledger.audit()
    assert ledger.self_fenced == 0
    assert len(ledger.acknowledged) >= (10 if rate < 0.5 else 1)

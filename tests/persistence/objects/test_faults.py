"""Object storage that fails: nothing acknowledged is lost, and nobody fences themself (R10)."""

import asyncio
import random

import pytest

from persistence.errors import Fenced, StorageError, Unavailable
from persistence.objects import names
from persistence.objects.store import ObjectStore
from persistence.store import Stored, StreamId
from tests.conformance.store_kit import batches
from tests.faulty_object_store_kit import (
    Fault,
    FaultyBucket,
    Objects,
    at_a_rate,
    in_turn,
    open_store,
)
from tests.persistence.objects.fault_kit import (
    a_stale_host_between_its_look_and_its_write_loses,
    an_append_outlasts_a_fault_and_knows_its_own_batch,
    an_append_that_cannot_be_known_breaks_the_stream_for_good,
    nothing_is_lost,
)
from tests.persistence.objects.ledger_kit import Ledger, live, recover


@pytest.mark.parametrize(
    "fault", [Fault.REFUSED, Fault.ANSWER_LOST, Fault.OWN_CONFLICT, Fault.LATE]
)
@pytest.mark.parametrize("times", [1, 3])
async def test_an_append_outlasts_a_fault_and_knows_its_own_batch(fault: Fault, times: int) -> None:
    await an_append_outlasts_a_fault_and_knows_its_own_batch(fault, times)


async def test_an_append_that_cannot_be_known_breaks_the_stream_for_good() -> None:
    await an_append_that_cannot_be_known_breaks_the_stream_for_good()


async def test_a_call_that_hangs_is_given_up_at_our_own_deadline() -> None:
    bucket = FaultyBucket(Objects())
    store = open_store(bucket, deadline_seconds=0.02)
    writer = await store.claim("users:1")
    bucket.gates["create"] = asyncio.Event()
    with pytest.raises(Unavailable, match=r"0\.02 s"):
        await writer.append(b"one")
    bucket.gates["create"].set()
    with pytest.raises(Unavailable):
        await writer.append(b"two")


async def test_an_append_given_up_by_its_caller_breaks_the_stream() -> None:
    bucket = FaultyBucket(Objects())
    writer = await open_store(bucket).claim("users:1")
    bucket.gates["create done"] = asyncio.Event()
    appending = asyncio.create_task(writer.append(b"one"))
    await bucket.held.wait()
    appending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await appending
    with pytest.raises(Unavailable):
        await writer.append(b"two")


async def test_a_batch_that_arrives_after_the_fence_is_not_taken() -> None:
    """Told to have timed out, given up, fenced: then the network delivers it."""
    objects = Objects()
    late = FaultyBucket(objects, in_turn("create", None, *[Fault.LATE] * 8))
    writer = await open_store(late).claim("users:1")
    with pytest.raises(Unavailable):
        await writer.append(b"one")
    successor = open_store(FaultyBucket(objects))
    await successor.fence(writer.id)
    objects.let_late_ones_arrive()
    assert await batches(successor, writer.id) == []


async def test_a_batch_that_arrives_again_after_it_was_dropped_is_not_read() -> None:
    objects = Objects()
    writer = await open_store(FaultyBucket(objects, in_turn("create", None, Fault.LATE))).claim(
        "users:1"
    )
    assert [await writer.append(b"x") for _ in range(3)] == [1, 2, 3]
    await writer.drop_through(2)
    objects.let_late_ones_arrive()
    assert names.numbered(writer.id, 1) in objects.all_names()
    successor = open_store(FaultyBucket(objects))
    await successor.fence(writer.id)
    assert [batch.sequence for batch in await batches(successor, writer.id)] == [3]
    await successor.drop(writer.id)
    assert objects.all_names() == _tombstone(writer.id, 4)


@pytest.mark.parametrize(
    "fault", [Fault.REFUSED, Fault.ANSWER_LOST, Fault.OWN_CONFLICT, Fault.LATE]
)
@pytest.mark.parametrize("operation", ["create", "replace"])
async def test_a_snapshot_outlasts_a_fault(fault: Fault, operation: str) -> None:
    objects = Objects()
    store = open_store(FaultyBucket(objects, in_turn(operation, fault, fault)))
    for version in (3, 7):
        await store.write_snapshot("alice", version, b"%d" % version)
    objects.let_late_ones_arrive()
    assert await store.read_snapshot("alice") == Stored(7, b"7")


async def test_a_stale_host_between_its_look_and_its_write_loses() -> None:
    await a_stale_host_between_its_look_and_its_write_loses()


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.5])
@pytest.mark.parametrize("seed", range(20))
async def test_hosts_that_take_turns_lose_nothing_whatever_fails(rate: float, seed: int) -> None:
    """Every fault at once, from a seed: the ledger knows what was acknowledged (R10)."""
    await nothing_is_lost(rate, seed)


@pytest.mark.parametrize("seed", range(30))
async def test_hosts_that_race_lose_nothing_whatever_fails(seed: int) -> None:
    await nothing_is_lost_in_a_race(0.1, seed)


async def nothing_is_lost_in_a_race(rate: float, seed: int) -> None:
    dice, objects, ledger = random.Random(seed), Objects(), Ledger()

    def open_one() -> ObjectStore:
        bucket = FaultyBucket(objects, at_a_rate(rate, dice), dice, turns=4, page=3)
        return open_store(bucket, seed=seed)

    async def compete() -> None:
        for _ in range(dice.choice((0, 100, 1000))):
            await asyncio.sleep(0)
        await live(open_one, objects, ledger, dice, lives=4)

    await asyncio.gather(*(compete() for _ in range(6)))
    objects.let_late_ones_arrive()
    await recover(open_store(FaultyBucket(objects)), ledger)
    ledger.audit()
    assert ledger.self_fenced == 0


async def test_after_an_outage_the_same_store_serves_again() -> None:
    objects, down = Objects(), [False]
    store = open_store(
        FaultyBucket(objects, lambda operation, name: Fault.REFUSED if down[0] else None)
    )
    writer = await store.claim("users:1")
    await writer.append(b"one")
    down[0] = True
    for attempt in (store.claim("users:1"), store.streams(), store.read_snapshot("alice")):
        with pytest.raises(Unavailable):
            await attempt
    with pytest.raises(Unavailable):
        await writer.append(b"two")
    down[0] = False
    await store.fence(writer.id)
    assert [batch.payload for batch in await batches(store, writer.id)] == [b"one"]


# A crash while dropping


def _tombstone(stream: StreamId, fence: int) -> list[str]:
    return [names.dropped(stream, fence - 1), names.numbered(stream, fence)]


@pytest.mark.parametrize("at", range(12))
async def test_a_drop_that_dies_half_way_reads_right_and_is_done_again(at: int) -> None:
    objects = Objects()
    writer = await open_store(FaultyBucket(objects)).claim("users:1")
    for i in range(5):
        await writer.append(b"%d" % i)
    successor = open_store(FaultyBucket(objects))
    await successor.fence(writer.id)
    calls = iter(range(1000))
    dying = open_store(
        FaultyBucket(objects, lambda *_: Fault.DENIED if next(calls) >= at else None)
    )
    try:
        await dying.drop(writer.id)
        died = False
    except StorageError:
        died = True
    left = [batch.sequence for batch in await batches(successor, writer.id)]
    assert left in ([1, 2, 3, 4, 5], [])
    assert died or await successor.streams() == []
    await successor.drop(writer.id)
    assert objects.all_names() == _tombstone(writer.id, 6)
    with pytest.raises(Fenced):
        await writer.append(b"too late")


@pytest.mark.parametrize("at", range(8))
async def test_a_checkpoint_that_dies_half_way_keeps_what_follows(at: int) -> None:
    objects, calls = Objects(), iter(range(-1000, 1000))
    bucket = FaultyBucket(objects, lambda *_: Fault.DENIED if next(calls) >= at else None)
    writer = await open_store(bucket).claim("users:1")
    for i in range(5):
        await writer.append(b"%d" % i)
    calls = iter(range(1000))
    try:
        await writer.drop_through(4)
    except StorageError:
        pass
    calls = iter(range(-1000, 1000))
    assert await writer.append(b"on") == 6
    found = [
        batch.sequence for batch in await batches(open_store(FaultyBucket(objects)), writer.id)
    ]
    assert found in ([1, 2, 3, 4, 5, 6], [5, 6])
    await writer.drop_through(6)
    await writer.close()
    # The mark's own write was doubtful in the first case: it may arrive yet, so it stays.
    assert objects.all_names() == ([names.dropped(writer.id, 6)] if at == 0 else [])

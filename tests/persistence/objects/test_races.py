"""Hosts that race for streams: never two that are both told yes (P3, R4)."""

import asyncio
import contextlib
import random
import threading

import pytest

from persistence.errors import Fenced, Unavailable
from persistence.objects.store import ObjectStore
from persistence.store import Store, Stream
from tests.conformance.store_kit import batches
from tests.faulty_object_store_kit import FaultyBucket, Objects, open_store
from tests.persistence.objects.ledger_kit import HOST, Ledger, recover, serve, take_over
from tests.persistence.objects.race_kit import (
    a_fence_on_a_number_that_was_given_free_again_is_none,
    a_fence_that_another_left_on_a_number_given_free_is_none,
    hosts_that_claim_at_once_never_acknowledge_one_version_twice,
)

pytestmark = pytest.mark.slow

CLAIMANTS = 100


@pytest.mark.parametrize("streams", [20, pytest.param(100, marks=pytest.mark.campaign)])
async def test_a_hundred_who_claim_at_once_leave_one_end_to_every_stream(streams: int) -> None:
    for seed in range(streams):
        await one_end_to_a_stream(seed, CLAIMANTS)


async def one_end_to_a_stream(seed: int, claimants: int) -> None:
    """A busy writer that drops as it goes, and many who take its stream over at once."""
    dice, objects = random.Random(seed), Objects()

    def open_one() -> ObjectStore:
        return open_store(FaultyBucket(objects, dice=dice, turns=4, page=3), seed=seed)

    writer = await open_one().claim(HOST)
    acknowledged: list[bytes] = []
    covered = 0

    async def write() -> None:
        nonlocal covered
        with contextlib.suppress(Fenced):
            while True:
                payload = b"%d" % (len(acknowledged) + 1)
                sequence = await writer.append(payload)
                acknowledged.append(payload)
                if dice.random() < 0.2:
                    covered = sequence
                    await writer.drop_through(sequence)

    async def take() -> None:
        for _ in range(dice.randint(0, 60)):
            await asyncio.sleep(0)
        store = open_one()
        await store.fence(writer.id)
        found = {batch.sequence: batch.payload async for batch in store.read(writer.id)}
        for sequence, payload in found.items():
            assert payload == b"%d" % sequence
        readings.append(set(found))

    readings: list[set[int]] = []
    await asyncio.gather(write(), *(take() for _ in range(claimants)))
    everything = set(range(1, len(acknowledged) + 1))
    for reading in readings:
        assert everything - reading <= set(range(1, covered + 1)), "acknowledged and not read"
        assert not reading or max(reading) <= len(acknowledged) + 1


async def test_hosts_that_claim_at_once_never_acknowledge_one_version_twice() -> None:
    await hosts_that_claim_at_once_never_acknowledge_one_version_twice()


def test_hosts_in_threads_of_their_own_never_acknowledge_one_version_twice() -> None:
    """The same with real threads, each with an event loop, as processes have."""
    objects, ledger, failures = Objects(), Ledger(), list[BaseException]()

    async def compete(seed: int) -> None:
        dice = random.Random(seed)
        for _ in range(25):
            store = open_store(FaultyBucket(objects), seed=seed)
            stream = await store.claim(HOST)
            try:
                await serve(store, ledger, stream, await take_over(store, ledger, stream.id), dice)
            except Fenced:
                assert stream.id in ledger.fenced_by_others

    def run(seed: int) -> None:
        try:
            asyncio.run(compete(seed))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    asyncio.run(recover(open_store(FaultyBucket(objects)), ledger))
    ledger.audit()
    assert len(ledger.acknowledged) > 25


async def test_a_fence_on_a_number_that_was_given_free_again_is_none() -> None:
    await a_fence_on_a_number_that_was_given_free_again_is_none()


async def test_a_fence_that_another_left_on_a_number_given_free_is_none() -> None:
    await a_fence_that_another_left_on_a_number_given_free_is_none()


async def test_a_writer_faster_than_its_successor_is_overtaken() -> None:
    """Ten appends for every call of the successor."""
    objects = Objects()
    writer = await open_store(FaultyBucket(objects)).claim(HOST)
    slow = open_store(FaultyBucket(objects, turns=60, dice=random.Random(1)))
    writing = asyncio.create_task(_write_until_fenced(writer))
    await slow.fence(writer.id)
    acknowledged = await writing
    found = await batches(slow, writer.id)
    assert len(found) == acknowledged
    await slow.drop(writer.id)
    assert await slow.streams() == []


async def _write_until_fenced(writer: Stream) -> int:
    count = 0
    with contextlib.suppress(Fenced):
        while True:
            count = await writer.append(b"x")
    return count


async def test_a_clean_end_during_a_takeover_harms_neither() -> None:
    """Rolling restarts: the old host closes while the new one fences, reads and drops."""
    for seed in range(200):
        dice, objects = random.Random(seed), Objects()

        def open_one(dice: random.Random = dice, objects: Objects = objects) -> ObjectStore:
            return open_store(FaultyBucket(objects, dice=dice, turns=12, page=2))

        writer = await open_one().claim(HOST)
        for _ in range(dice.randint(0, 4)):
            await writer.append(b"x")
        await asyncio.gather(_end(writer), _take(open_one(), dice), _take(open_one(), dice))
        await _take(open_one(), dice)
        assert await open_one().streams() == []


async def _end(writer: Stream) -> None:
    await writer.drop_through(10)
    await writer.close()


async def _take(store: Store, dice: random.Random) -> None:
    for stream in await store.streams(HOST):
        await store.fence(stream)
        found = [batch.sequence async for batch in store.read(stream)]
        assert found == list(range(found[0], found[0] + len(found))) if found else True
        await store.drop(stream)


async def test_a_writer_that_closed_is_not_fenced_but_closed() -> None:
    writer = await open_store(FaultyBucket(Objects())).claim(HOST)
    await writer.close()
    with pytest.raises(Unavailable):
        await writer.append(b"x")

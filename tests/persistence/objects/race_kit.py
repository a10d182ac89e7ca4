"""Checks of hosts that race for one stream in a bucket: each raises where a promise was broken."""

import asyncio
import random

import pytest

from persistence.errors import Fenced
from tests.conformance.store_kit import batches
from tests.faulty_object_store_kit import FaultyBucket, Objects, open_store
from tests.persistence.objects.ledger_kit import HOST, Ledger, recover, serve, take_over


async def hosts_that_claim_at_once_never_acknowledge_one_version_twice() -> None:
    acknowledged = [await one_writer_to_a_version(seed, hosts=20) for seed in range(20)]
    assert sum(acknowledged) > 100


async def one_writer_to_a_version(seed: int, hosts: int) -> int:
    """Each claims, closes the others, folds and writes; over and over, all at once."""
    dice, objects, ledger = random.Random(seed), Objects(), Ledger()

    async def compete() -> None:
        for _ in range(3):
            for _ in range(dice.choice((0, 100, 3000))):
                await asyncio.sleep(0)
            store = open_store(FaultyBucket(objects, dice=dice, turns=4), seed=seed)
            stream = await store.claim(HOST)
            try:
                await serve(store, ledger, stream, await take_over(store, ledger, stream.id), dice)
            except Fenced:
                assert stream.id in ledger.fenced_by_others

    await asyncio.gather(*(compete() for _ in range(hosts)))
    await recover(open_store(FaultyBucket(objects)), ledger)
    ledger.audit()
    return len(ledger.acknowledged)


async def a_fence_on_a_number_that_was_given_free_again_is_none() -> None:
    """The successor looks, sleeps, and wakes when the number it chose was used and dropped."""
    objects = Objects()
    writer = await open_store(FaultyBucket(objects)).claim(HOST)
    await writer.append(b"1")
    bucket = FaultyBucket(objects)
    successor = open_store(bucket)
    bucket.gates["create"] = asyncio.Event()
    fencing = asyncio.create_task(successor.fence(writer.id))
    await bucket.held.wait()
    for i in range(2, 6):
        await writer.append(b"%d" % i)
    await writer.drop_through(4)
    bucket.gates["create"].set()
    await fencing
    with pytest.raises(Fenced):
        await writer.append(b"too late")
    assert [batch.sequence for batch in await batches(successor, writer.id)] == [5]


async def a_fence_that_another_left_on_a_number_given_free_is_none() -> None:
    """One lists a batch; before it looks at it, another's late fence has taken its place."""
    objects = Objects()
    writer = await open_store(FaultyBucket(objects)).claim(HOST)
    late_bucket, bucket = FaultyBucket(objects), FaultyBucket(objects)
    late_bucket.gates["create"] = asyncio.Event()
    late = asyncio.create_task(open_store(late_bucket).fence(writer.id))
    await late_bucket.held.wait()
    await writer.append(b"1")
    bucket.gates["get"] = asyncio.Event()
    fencing = asyncio.create_task(open_store(bucket).fence(writer.id))
    await bucket.held.wait()
    await writer.append(b"2")
    await writer.drop_through(2)
    late_bucket.gates["list"] = asyncio.Event()
    late_bucket.gates.pop("create").set()
    late_bucket.held.clear()
    await late_bucket.held.wait()
    bucket.gates.pop("get").set()
    await fencing
    with pytest.raises(Fenced):
        await writer.append(b"too late")
    late_bucket.gates.pop("list").set()
    await late

"""What every `Store` keeps of its journals: order, fencing (P3), dropping.  See `store_kit`."""

import asyncio
import contextlib

import pytest

from persistence.errors import Fenced
from persistence.store import Batch, Stream, StreamId
from tests.conformance.store_kit import Open, batches, check

# Journals: order


@check
async def batches_are_read_in_the_order_and_under_the_numbers_they_were_acknowledged(
    open: Open,
) -> None:
    writer = await open().claim("users:1")
    numbers = [await writer.append(b"batch %d" % i) for i in range(50)]
    assert numbers == list(range(1, 51))
    found = await batches(open(), writer.id)
    assert found == [Batch(i + 1, b"batch %d" % i) for i in range(50)]


@check
async def any_bytes_come_back_as_they_went_in(open: Open) -> None:
    writer = await open().claim("users:1")
    payloads = [b"", b"\x00" * 5000, bytes(range(256)) * 300, b"\xc1QKFRM\xc1\n" * 9]
    for payload in payloads:
        await writer.append(payload)
    assert [batch.payload for batch in await batches(open(), writer.id)] == payloads


@check
async def what_was_acknowledged_is_read_by_another_opening_at_once(open: Open) -> None:
    writer, reader = await open().claim("users:1"), open()
    for i in range(1, 6):
        await writer.append(b"%d" % i)
        assert [batch.sequence for batch in await batches(reader, writer.id)][-1] == i


@check
async def two_incarnations_of_one_host_keep_their_batches_apart(open: Open) -> None:
    first, second = await open().claim("users:1"), await open().claim("users:1")
    assert first.id != second.id
    assert (await first.append(b"first"), await second.append(b"second")) == (1, 1)
    assert await batches(open(), first.id) == [Batch(1, b"first")]
    assert await batches(open(), second.id) == [Batch(1, b"second")]


@check
async def streams_are_listed_for_one_host_or_for_all(open: Open) -> None:
    store = open()
    ids = [(await store.claim(host)).id for host in ("users:1", "users:1", "user:Al.ice@x_-")]
    assert sorted(await open().streams()) == sorted(ids)
    assert sorted(await open().streams("users:1")) == sorted(ids[:2])
    assert await open().streams("user:Al.ice@x_-") == [ids[2]]


@check
async def hosts_that_claim_at_the_same_moment_all_get_a_stream_of_their_own(open: Open) -> None:
    claimed = await asyncio.gather(*(open().claim("users:1") for _ in range(20)))
    assert len({stream.id for stream in claimed}) == 20
    assert await asyncio.gather(*(stream.append(b"x") for stream in claimed)) == [1] * 20


# Journals: fencing (P3)


@check
async def a_stale_writer_is_refused_once_its_stream_is_fenced(open: Open) -> None:
    writer = await open().claim("users:1")
    await writer.append(b"acknowledged")
    await open().fence(writer.id)
    for _ in range(3):
        with pytest.raises(Fenced):
            await writer.append(b"too late")


@check
async def a_writer_that_never_appended_is_refused_as_well(open: Open) -> None:
    writer = await open().claim("users:1")
    await open().fence(writer.id)
    with pytest.raises(Fenced):
        await writer.append(b"too late")


@check
async def a_successor_reads_every_batch_that_was_acknowledged_while_it_took_over(
    open: Open,
) -> None:
    for turns in range(30):
        writer, successor = await open().claim("users:1"), open()
        acknowledged: list[bytes] = []
        writing = asyncio.create_task(_append_until_fenced(writer, acknowledged))
        while len(acknowledged) < turns % 4:  # noqa: ASYNC110 - the moment is the point
            await asyncio.sleep(0)
        await successor.fence(writer.id)
        found = [batch.payload for batch in await batches(successor, writer.id)]
        await writing
        assert found[: len(acknowledged)] == acknowledged
        assert len(found) <= len(acknowledged) + 1


async def _append_until_fenced(writer: Stream, acknowledged: list[bytes]) -> None:
    with contextlib.suppress(Fenced):
        while True:
            payload = b"%d" % len(acknowledged)
            await writer.append(payload)
            acknowledged.append(payload)


@check
async def a_fenced_stream_reads_the_same_for_ever(open: Open) -> None:
    writer = await open().claim("users:1")
    await writer.append(b"acknowledged")
    await open().fence(writer.id)
    first = await batches(open(), writer.id)
    with pytest.raises(Fenced):
        await writer.append(b"told to nobody")
    await open().fence(writer.id)
    assert first == await batches(open(), writer.id) == [Batch(1, b"acknowledged")]


@check
async def fencing_again_or_fencing_what_is_gone_is_fine(open: Open) -> None:
    writer = await open().claim("users:1")
    await open().fence(writer.id)
    await open().fence(writer.id)
    await open().drop(writer.id)
    await open().fence(writer.id)
    await open().fence(StreamId("nobody", "00000000000000000001-feed"))
    assert await open().streams() == []


@check
async def a_fence_closes_one_incarnation_and_no_other(open: Open) -> None:
    first, second = await open().claim("users:1"), await open().claim("users:1")
    await open().fence(first.id)
    assert await second.append(b"mine") == 1


# Journals: dropping


@check
async def a_dropped_stream_is_gone_and_its_writer_stays_fenced(open: Open) -> None:
    writer = await open().claim("users:1")
    await writer.append(b"acknowledged")
    await open().fence(writer.id)
    await open().drop(writer.id)
    assert await open().streams() == []
    assert await batches(open(), writer.id) == []
    for _ in range(3):
        with pytest.raises(Fenced):
            await writer.append(b"too late")
    assert await open().streams() == []


@check
async def a_stream_dropped_before_its_writer_looked_is_closed_to_it_all_the_same(
    open: Open,
) -> None:
    writer = await open().claim("users:1")
    await open().fence(writer.id)
    await open().drop(writer.id)
    with pytest.raises(Fenced):
        await writer.append(b"x" * 1_000_000)
    assert await open().streams() == []


@check
async def a_stale_writer_that_has_to_begin_a_new_segment_is_fenced(open: Open) -> None:
    writer = await open().claim("users:1")
    for _ in range(10):
        await writer.append(b"x" * 1000)
    await open().fence(writer.id)
    await open().drop(writer.id)
    with pytest.raises(Fenced):
        await writer.append(b"x" * 1_000_000)
    assert await open().streams() == []


@check
async def a_host_that_claims_again_after_a_drop_starts_at_one(open: Open) -> None:
    stale = await open().claim("users:1")
    await stale.append(b"old")
    await open().fence(stale.id)
    await open().drop(stale.id)
    fresh = await open().claim("users:1")
    assert await fresh.append(b"new") == 1
    with pytest.raises(Fenced):
        await stale.append(b"too late")
    assert await batches(open(), fresh.id) == [Batch(1, b"new")]
    assert await open().streams() == [fresh.id]


@check
async def batches_that_were_not_dropped_stay_in_order(open: Open) -> None:
    writer = await open().claim("users:1")
    for i in range(1, 41):
        await writer.append(b"%d" % i * 100)
        if i % 7 == 0:
            await writer.drop_through(i - 3)
            numbers = [batch.sequence for batch in await batches(open(), writer.id)]
            assert numbers == list(range(numbers[0], i + 1))
            assert numbers[0] <= i - 2
    assert await writer.append(b"and on") == 41


@check
async def numbers_go_on_after_everything_was_dropped(open: Open) -> None:
    writer = await open().claim("users:1")
    assert await writer.append(b"x" * 600_000) == 1
    await writer.drop_through(1)
    assert await writer.append(b"next") == 2
    assert (await batches(open(), writer.id))[-1] == Batch(2, b"next")


@check
async def dropping_more_than_there_is_drops_what_there_is(open: Open) -> None:
    writer = await open().claim("users:1")
    await writer.append(b"one")
    await writer.drop_through(99)
    assert await writer.append(b"two") == 2
    assert (await batches(open(), writer.id))[-1] == Batch(2, b"two")


@check
async def a_closed_stream_whose_batches_were_all_dropped_leaves_nothing(open: Open) -> None:
    store = open()
    unused, used = await store.claim("users:1"), await store.claim("users:1")
    await used.append(b"covered by a snapshot")
    await used.drop_through(1)
    await unused.close()
    await used.close()
    await used.close()
    assert await open().streams() == []


@check
async def a_closed_stream_keeps_what_was_not_dropped(open: Open) -> None:
    writer = await open().claim("users:1")
    await writer.append(b"one")
    await writer.drop_through(1)
    await writer.append(b"two")
    await writer.close()
    assert await open().streams() == [writer.id]
    assert (await batches(open(), writer.id))[-1] == Batch(2, b"two")


@check
async def a_stream_says_whether_it_was_fenced(open: Open) -> None:
    writer = await open().claim("users:1")
    assert not await open().fenced(writer.id)
    await writer.append(b"one")
    assert not await open().fenced(writer.id)
    await open().fence(writer.id)
    assert await open().fenced(writer.id)
    await open().drop(writer.id)
    assert await open().streams() == []


@check
async def a_host_that_is_forgotten_takes_no_other_along(open: Open) -> None:
    first, other = await open().claim("user:a"), await open().claim("user:ab")
    for writer in (first, other):
        await writer.append(b"one")
    await open().fence(first.id)
    await open().drop(first.id)
    await open().forget_host("user:a")
    await open().forget_host("user:nobody")
    assert await open().streams() == [other.id]
    assert await other.append(b"two") == 2
    assert [batch.payload for batch in await batches(open(), other.id)] == [b"one", b"two"]
    again = await open().claim("user:a")
    assert await again.append(b"a new start") == 1

"""Damaged objects are noticed and named, never served (P5, P9)."""

import pytest

from persistence.errors import Corrupt, NewerFormat
from persistence.journal import frame
from persistence.objects import envelope, names
from tests.conformance.store_kit import batches
from tests.faulty_object_store_kit import FaultyBucket, Objects, open_store


@pytest.mark.parametrize("bit", range(0, 8 * 80, 7))
async def test_any_flipped_bit_of_a_batch_is_noticed_and_named(bit: int) -> None:
    objects = Objects()
    store = open_store(FaultyBucket(objects))
    writer = await store.claim("users:1")
    await writer.append(b"0123456789abcdefg")
    await writer.append(b"two")
    name = names.numbered(writer.id, 1)
    found = objects.get(name)
    assert found is not None
    flipped = bytearray(found.content)
    flipped[bit // 8] ^= 1 << bit % 8
    objects.damage(name, bytes(flipped))
    with pytest.raises((Corrupt, NewerFormat), match=name):
        await batches(store, writer.id)


@pytest.mark.parametrize("lost", [1, 2, 3])
async def test_a_batch_that_is_missing_is_noticed_and_named(lost: int) -> None:
    objects = Objects()
    store = open_store(FaultyBucket(objects))
    writer = await store.claim("users:1")
    for _ in range(3):
        await writer.append(b"x")
    fenced = lost < 3
    if lost == 3:  # the last one can be missed only when something stands behind it
        await store.fence(writer.id)
    objects.delete(names.numbered(writer.id, lost))
    with pytest.raises(Corrupt, match=names.numbered(writer.id, lost)):
        await batches(store, writer.id)
    if fenced:
        await store.fence(writer.id)
        with pytest.raises(Corrupt, match="behind the fence"):
            await batches(store, writer.id)


async def test_a_snapshot_under_a_newer_format_is_refused_by_name() -> None:
    objects = Objects()
    store = open_store(FaultyBucket(objects))
    name = names.snapshot("alice")
    content = envelope.encode(frame.SNAPSHOT, 1, b"one", envelope.new_writer())
    newer = bytearray(content)
    newer[8] = 99
    objects.damage(name, bytes(newer))
    with pytest.raises((NewerFormat, Corrupt), match=name):
        await store.read_snapshot("alice")
    with pytest.raises((NewerFormat, Corrupt), match=name):
        await store.write_snapshot("alice", 2, b"two")

"""How long the dead make the living wait: folds on a store whose answers take 30 ms each."""

import pytest
import structlog

from persistence import progress_log
from persistence.codec.records import encode_record
from persistence.journal.group_commit import pack_batch
from persistence.journal.recovery import fold
from persistence.objects.store import ObjectStore
from tests.faulty_object_store_kit import (
    DistantBucket,
    FaultyBucket,
    Latency,
    Objects,
    open_store,
)
from tests.persistence.journal.recovery_kit import record

ROUNDS_MAX = 2_000 // 30
"""Of answers that take 30 ms each, in two seconds."""


async def journals(objects: Objects, streams: int) -> None:
    """As many batches and users as a host's journal may have, in so many streams."""
    store = open_store(FaultyBucket(objects))
    writers = [await store.claim(f"users:{number}") for number in range(streams)]
    for batch in range(ObjectStore.batches_max):
        version, user = divmod(batch, ObjectStore.users_max)
        each = record(f"{version + 1} c{version}", f"u{user}")
        await writers[batch % streams].append(pack_batch([encode_record(each)]))


@pytest.mark.parametrize("streams", [1, 8])
async def test_a_journal_that_is_as_long_as_it_may_be_is_folded_in_two_seconds(
    streams: int,
) -> None:
    objects, latency = Objects(), Latency()
    await journals(objects, streams)
    standing = await open_store(FaultyBucket(objects)).streams()
    distant = open_store(DistantBucket(objects, latency))
    assert await latency.rounds_of(fold(distant, standing, 100)) <= ROUNDS_MAX
    here = open_store(FaultyBucket(objects))
    assert await here.streams() == []
    assert len([user_id async for user_id in here.users()]) == ObjectStore.users_max


async def test_a_long_fold_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_log, "QUIET_SECONDS", 0)
    objects = Objects()
    store = open_store(FaultyBucket(objects))
    writer = await store.claim("users:0")
    for user in ("a", "b", "c"):
        await writer.append(pack_batch([encode_record(record("1 c", user))]))
    with structlog.testing.capture_logs() as events:
        await fold(store, [writer.id], 100)
    folding = [event for event in events if event["event"] == "still folding"]
    assert [(event["done"], event["of"]) for event in folding] == [(1, 3), (2, 3), (3, 3)]

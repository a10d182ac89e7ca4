"""A PUT takes its time, and a busy host hardly notices: group commit shares each."""

import asyncio

from persistence.journal.group_commit import GroupCommit
from tests.conformance.store_kit import batches
from tests.faulty_object_store_kit import FaultyBucket, Objects, open_store


async def test_a_slow_put_is_shared_by_all_that_was_decided_meanwhile() -> None:
    """A thousand commits in flight at each PUT: as many a PUT as there are callers."""
    objects = Objects()
    bucket = FaultyBucket(objects)
    store = open_store(bucket)
    writer = await store.claim("users:1")
    commits = GroupCommit(writer)
    for _ in range(5):
        bucket.gates["create done"] = asyncio.Event()
        bucket.held.clear()
        first = commits.commit(b"first")
        await bucket.held.wait()
        rest = [commits.commit(b"%d" % i) for i in range(1000)]
        bucket.gates.pop("create done").set()
        await asyncio.gather(first, *set(rest))
    assert len(await batches(store, writer.id)) == 10

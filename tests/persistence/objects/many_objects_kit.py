"""Checks of work on more objects than one request or one deadline can take: each raises where a
promise was broken.

Not for: real servers (`tests.conformance`).
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from persistence.errors import Unavailable
from persistence.objects import names
from persistence.objects.bucket import BucketObject
from persistence.objects.stream import ObjectStream
from tests.conformance.store_kit import batches
from tests.faulty_object_store_kit import Fault, Faults, FaultyBucket, Objects, open_store


def every_call_fails_first(operation: str, times: int) -> Faults:
    """Each call of `operation` succeeds only after `times` failures, whoever asks for what."""
    calls = iter(range(1_000_000))

    def fault(called: str, name: str) -> Fault | None:
        return Fault.REFUSED if called == operation and next(calls) % (times + 1) < times else None

    return fault


class CountingBucket(FaultyBucket):
    """Counts how often each name was asked to be deleted, and how many reads were on their way."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.deleted: Counter[str] = Counter()
        self.reading = self.reading_most = 0

    async def delete(self, names: Sequence[str]) -> None:
        self.deleted.update(names)
        await super().delete(names)

    async def get(self, name: str) -> BucketObject | None:
        self.reading += 1
        self.reading_most = max(self.reading, self.reading_most)
        try:
            return await super().get(name)
        finally:
            self.reading -= 1


async def a_listing_goes_on_where_a_page_failed() -> None:
    """A hundred pages, five failures on each: more than any one call is tried."""
    objects = Objects()
    for number in range(1_000):
        objects.create(names.snapshot(f"user-{number}"), b"")
    bucket = FaultyBucket(objects, every_call_fails_first("list", 5), page=10)
    listed = [user_id async for user_id in open_store(bucket).users()]
    assert sorted(listed) == sorted(f"user-{number}" for number in range(1_000))


async def a_host_is_forgotten_in_portions(failures: int) -> None:
    """Forty portions, some failures on each."""
    objects = Objects()
    for number in range(1, 401):
        objects.create(f"journals/users:0/x/{number:020}", b"")
    objects.create("journals/users:0-x/x/1", b"another's")
    faults = every_call_fails_first("delete", failures)
    await open_store(FaultyBucket(objects, faults, delete_max=10)).forget_host("users:0")
    assert objects.all_names() == ["journals/users:0-x/x/1"]


async def a_checkpoint_that_broke_off_goes_on_with_what_is_left() -> None:
    objects, broken = Objects(), [False]
    portions = iter(range(1_000))

    def fault(operation: str, name: str) -> Fault | None:
        fails = operation == "delete" and broken[0] and next(portions) >= 3
        return Fault.DENIED if fails else None

    bucket = CountingBucket(objects, fault, delete_max=10)
    writer = await open_store(bucket).claim("users:0")
    assert isinstance(writer, ObjectStream)
    for _ in range(60):
        await writer.append(b"x")
    broken[0] = True
    with pytest.raises(Unavailable):
        await writer.drop_through(50)
    broken[0] = False
    sequence = await writer.append(b"on")
    await writer.drop_through(sequence)
    assert all(names.numbered(writer.id, number) in bucket.deleted for number in range(1, 62))
    again = [name for name, times in bucket.deleted.items() if times > 1]
    assert len(again) <= 10, "only the portion that failed is asked for again"
    assert await batches(open_store(FaultyBucket(objects)), writer.id) == []

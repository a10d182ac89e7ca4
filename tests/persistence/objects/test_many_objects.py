"""More objects than one request takes: everything gets through, in portions, and says how far."""

from typing import Any

import pytest

from persistence import progress_log
from persistence.objects import journals
from persistence.store import StreamId
from tests.conformance.store_kit import batches
from tests.faulty_object_store_kit import FaultyBucket, Objects, open_store
from tests.persistence.objects.many_objects_kit import (
    CountingBucket,
    a_checkpoint_that_broke_off_goes_on_with_what_is_left,
    a_host_is_forgotten_in_portions,
    a_listing_goes_on_where_a_page_failed,
)


async def test_a_listing_goes_on_where_a_page_failed() -> None:
    await a_listing_goes_on_where_a_page_failed()


@pytest.mark.parametrize("failures", [0, 5])
async def test_a_deletion_goes_on_where_a_portion_failed(failures: int) -> None:
    await a_host_is_forgotten_in_portions(failures)


async def test_a_checkpoint_that_broke_off_goes_on_with_what_is_left() -> None:
    await a_checkpoint_that_broke_off_goes_on_with_what_is_left()


async def _journal(objects: Objects, count: int, size: int = 1) -> StreamId:
    writer = await open_store(FaultyBucket(objects)).claim("users:0")
    for _ in range(count):
        await writer.append(b"x" * size)
    return writer.id


async def test_a_journal_is_read_128_batches_at_a_time() -> None:
    objects = Objects()
    stream = await _journal(objects, 300)
    bucket = CountingBucket(objects, turns=3)
    assert len(await batches(open_store(bucket), stream)) == 300
    assert 96 < bucket.reading_most <= journals.READS_AT_ONCE == 128


async def test_batches_read_ahead_are_bounded_in_bytes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "READ_AHEAD_BYTES", 40_000)
    objects = Objects()
    stream = await _journal(objects, 100, 10_000)
    bucket = CountingBucket(objects, turns=3)
    assert len(await batches(open_store(bucket), stream)) == 100
    assert bucket.reading_most <= 16  # before the first batch is there nobody knows


async def test_a_long_journal_is_listed_whole_only_once_to_be_fenced() -> None:
    """The second look, at whether the fence counts, begins at the fence."""
    objects = Objects()
    stream = await _journal(objects, 500)
    listed: list[str] = []

    def note(operation: str, name: str) -> None:
        listed.append(operation)

    bucket = FaultyBucket(objects, note, page=10)
    await open_store(bucket).fence(stream)
    assert listed.count("list") <= 500 / 10 + 2


async def test_drafts_that_a_server_lists_are_nobody_s_users_and_streams() -> None:
    """versitygw's, seen while it replaced a snapshot."""
    objects = Objects()
    store = open_store(FaultyBucket(objects))
    await store.write_snapshot("alice", 1, b"one")
    stream = (await store.claim("users:0")).id
    for name in objects.all_names():
        folder, _, last = name.rpartition("/")
        objects.create(f"{folder}/.{last}.sgwtmp.1795616692861094557", b"half of it")
    assert [user_id async for user_id in store.users()] == ["alice"]
    assert await store.streams() == [stream]


class Log:
    """Keeps what is logged."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def info(self, event: str, **fields: Any) -> None:
        self.events.append({"event": event, **fields})


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    log = Log()
    monkeypatch.setattr(progress_log, "log", log)
    return log


async def test_slow_reading_says_how_far_it_is(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_log, "QUIET_SECONDS", 0)
    objects = Objects()
    stream = await _journal(objects, 3)
    await batches(open_store(FaultyBucket(objects)), stream)
    reading = [event for event in log.events if event["event"] == "still reading"]
    assert [(event["done"], event["of"]) for event in reading] == [(1, 3), (2, 3), (3, 3)]
    assert reading[0]["journal"] == "/".join(stream)


async def test_quick_reading_says_nothing(log: Log) -> None:
    objects = Objects()
    stream = await _journal(objects, 3)
    await batches(open_store(FaultyBucket(objects)), stream)
    assert log.events == []

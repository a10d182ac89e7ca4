"""Mutation tests: each mechanism of the object store is broken in turn, and a check has to fail."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence

import pytest

from persistence.errors import StorageError
from persistence.objects import names, probe, race_probe
from persistence.objects.bucket import BucketError, ConditionFailed
from persistence.objects.journals import Journals
from persistence.objects.retries import Calls
from persistence.objects.snapshots import Snapshots
from persistence.objects.stream import ObjectStream
from persistence.store import StreamId
from tests.conformance import store_journals_kit, store_kit
from tests.faulty_object_store_kit import Fault, FaultyBucket, Objects, open_store
from tests.persistence.objects import fault_kit, many_objects_kit, race_kit, unfit_kit
from tests.persistence.objects.unfit_kit import (
    IgnoresIfMatch,
    a_server_that_ignores_a_condition_is_refused,
)

Patch = pytest.MonkeyPatch
CAUGHT = (AssertionError, StorageError, pytest.fail.Exception, ValueError)


async def fails(check: Awaitable[object]) -> None:
    with pytest.raises(CAUGHT):
        await check


def kit(check: store_kit.Check) -> Awaitable[object]:
    objects = Objects()
    return check(lambda: open_store(FaultyBucket(objects)))


async def test_a_writer_that_believes_already_exists_is_caught(monkeypatch: Patch) -> None:
    async def create(self: Calls, name: str, content: bytes) -> bytes:
        try:
            await self.bucket.create(name, content)
        except ConditionFailed:
            return b"another's"
        except BucketError:
            return await create(self, name, content)
        return content

    monkeypatch.setattr(Calls, "create", create)
    await fails(fault_kit.an_append_outlasts_a_fault_and_knows_its_own_batch(Fault.OWN_CONFLICT, 1))
    await fails(fault_kit.an_append_outlasts_a_fault_and_knows_its_own_batch(Fault.ANSWER_LOST, 1))
    await fails(fault_kit.nothing_is_lost(0.5, 1))


async def test_a_writer_that_takes_already_exists_for_its_own_is_caught(monkeypatch: Patch) -> None:
    async def create(self: Calls, name: str, content: bytes) -> bytes:
        try:
            await self.bucket.create(name, content)
        except ConditionFailed:
            pass
        return content

    monkeypatch.setattr(Calls, "create", create)
    await fails(
        kit_with_time(store_journals_kit.a_stale_writer_is_refused_once_its_stream_is_fenced)
    )


async def kit_with_time(check: store_kit.Check) -> None:
    async with asyncio.timeout(5):
        await kit(check)


async def test_a_writer_that_takes_a_timeout_for_success_is_caught(monkeypatch: Patch) -> None:
    async def create(self: Calls, name: str, content: bytes) -> bytes:
        try:
            await self.bucket.create(name, content)
        except BucketError:
            return content
        except ConditionFailed:
            found = await self.get(name)
            return content if found is None else found.content
        return content

    monkeypatch.setattr(Calls, "create", create)
    await fails(some_seed_fails())


async def some_seed_fails() -> None:
    for seed in range(20):
        await fault_kit.nothing_is_lost(0.5, seed)


async def test_a_stream_that_goes_on_after_an_unknown_append_is_caught(monkeypatch: Patch) -> None:
    append = ObjectStream.append

    async def again(self: ObjectStream, payload: bytes) -> int:
        self._over = None
        return await append(self, payload)

    monkeypatch.setattr(ObjectStream, "append", again)
    await fails(fault_kit.an_append_that_cannot_be_known_breaks_the_stream_for_good())


async def test_a_drop_that_deletes_the_tombstone_is_caught(monkeypatch: Patch) -> None:
    drop = Journals.drop

    async def everything(self: Journals, stream: StreamId) -> None:
        await drop(self, stream)
        await self._calls.delete(await self._calls.names(names.journal(stream)))

    monkeypatch.setattr(Journals, "drop", everything)
    await fails(kit(store_journals_kit.a_dropped_stream_is_gone_and_its_writer_stays_fenced))


async def test_a_drop_that_takes_its_mark_away_is_caught(monkeypatch: Patch) -> None:
    drop = Journals.drop

    async def without(self: Journals, stream: StreamId) -> None:
        await drop(self, stream)
        listed = await self._calls.names(names.journal(stream))
        await self._calls.delete([name for name in listed if name.endswith(".dropped")])

    monkeypatch.setattr(Journals, "drop", without)
    await fails(some_seed_fails())


async def test_batches_deleted_before_they_are_marked_are_caught(monkeypatch: Patch) -> None:
    async def forget(self: Journals, stream: StreamId, sequence: int) -> None:
        return

    monkeypatch.setattr(Journals, "mark_dropped", forget)
    await fails(kit(store_journals_kit.batches_that_were_not_dropped_stay_in_order))


async def test_a_fence_believed_without_another_look_is_caught(monkeypatch: Patch) -> None:
    async def fence(self: Journals, stream: StreamId) -> None:
        listing = await self._list(stream)
        await self._close(stream, listing.end + 1)

    monkeypatch.setattr(Journals, "fence", fence)
    await fails(race_kit.a_fence_on_a_number_that_was_given_free_again_is_none())


async def test_a_fence_believed_on_a_look_before_it_is_caught(monkeypatch: Patch) -> None:
    async def fence(self: Journals, stream: StreamId) -> None:
        while True:
            listing = await self._list(stream)
            if listing.end in listing.numbers and await self._is_fence(stream, listing.end):
                return
            await self._close(stream, listing.end + 1)

    monkeypatch.setattr(Journals, "fence", fence)
    await fails(race_kit.a_fence_that_another_left_on_a_number_given_free_is_none())


async def test_a_claim_that_lists_its_stream_at_the_first_batch_only_is_caught(
    monkeypatch: Patch,
) -> None:
    """Of two hosts that claim and then list, neither would see the other."""
    create, append = Calls.create, ObjectStream.append

    async def lazily(self: Calls, name: str, content: bytes) -> bytes:
        return content if name.startswith("streams/") else await create(self, name, content)

    async def listed(self: ObjectStream, payload: bytes) -> int:
        await create(self._calls, names.standing(self.id), b"")
        return await append(self, payload)

    monkeypatch.setattr(Calls, "create", lazily)
    monkeypatch.setattr(ObjectStream, "append", listed)
    await fails(race_kit.hosts_that_claim_at_once_never_acknowledge_one_version_twice())


async def test_a_snapshot_that_is_checked_and_then_overwritten_is_caught(
    monkeypatch: Patch,
) -> None:
    async def overwrite(self: Snapshots, name: str, version: int, content: bytes) -> bool:
        found = await self._calls.bucket.get(name)
        if found is None or self._decode(name, found.content).sequence < version:
            while True:
                try:
                    now = await self._calls.bucket.get(name)
                    if now is None:
                        await self._calls.bucket.create(name, content)
                    else:
                        await self._calls.bucket.replace(name, content, now.tag)
                    break
                except ConditionFailed:
                    continue
        return True

    monkeypatch.setattr(Snapshots, "_replace", overwrite)
    await fails(fault_kit.a_stale_host_between_its_look_and_its_write_loses())
    await fails(kit(store_kit.writers_that_race_leave_the_highest_version))


async def test_a_probe_that_tries_nothing_is_caught(monkeypatch: Patch) -> None:
    async def nothing(*_: object) -> None:
        return

    for step in ("_creates_once", "_replaces_only_what_was_seen"):
        monkeypatch.setattr(probe, step, nothing)
    await fails(a_server_that_ignores_a_condition_is_refused("If-Match", IgnoresIfMatch))


async def test_a_listing_that_begins_again_after_a_failure_is_caught(monkeypatch: Patch) -> None:
    async def pages(self: Calls, folder: str, after: str = "") -> AsyncIterator[Sequence[str]]:
        async def whole() -> list[Sequence[str]]:
            return [page async for page in self.bucket.names(folder, after)]

        for page in await self.repeat("list", whole):
            yield page

    monkeypatch.setattr(Calls, "pages", pages)
    await fails(many_objects_kit.a_listing_goes_on_where_a_page_failed())


async def test_a_deletion_in_one_request_is_caught(monkeypatch: Patch) -> None:
    async def delete(self: Calls, names: list[str]) -> None:
        await self.repeat("delete", lambda: self.bucket.delete(names))

    monkeypatch.setattr(Calls, "delete", delete)
    await fails(many_objects_kit.a_host_is_forgotten_in_portions(0))


async def test_a_deletion_that_begins_again_after_a_failure_is_caught(monkeypatch: Patch) -> None:
    delete = Calls.delete

    async def forget_progress(self: Calls, names: list[str]) -> None:
        left = list(names)
        await delete(self, left)
        names[:] = left

    monkeypatch.setattr(Calls, "delete", forget_progress)
    await fails(many_objects_kit.a_checkpoint_that_broke_off_goes_on_with_what_is_left())


async def test_a_probe_that_races_only_once_is_caught(monkeypatch: Patch) -> None:
    monkeypatch.setattr(race_probe, "_WINS_MAX", 1)
    await fails(unfit_kit.every_two_step_server_is_refused())

"""What every `Store` keeps, as checks that run against any of them; here, of snapshots.

`CHECKS` are coroutine functions, each named as the sentence it proves.  A check is given `open`:
every call opens the same store anew, as another process would.  Those of journals are in
`store_journals_kit`, which adds to the same list.  `test_store_contract` runs them all
against every implementation; `tests/persistence/disk/test_mutants.py` runs some against broken
ones.
"""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from persistence.errors import Unavailable
from persistence.open import probe
from persistence.store import Batch, Store, Stored, StreamId

Open = Callable[[], Store]
Check = Callable[[Open], Awaitable[None]]

CHECKS: list[Check] = []


def check(function: Check) -> Check:
    CHECKS.append(function)
    return function


async def batches(store: Store, stream: StreamId) -> list[Batch]:
    return [batch async for batch in store.read(stream)]


async def users(store: Store) -> list[str]:
    return sorted([user_id async for user_id in store.users()])


# Snapshots (P6)


@check
async def a_snapshot_is_read_as_it_was_written(open: Open) -> None:
    await open().write_snapshot("alice", 3, b"\x00payload\xff")
    assert await open().read_snapshot("alice") == Stored(3, b"\x00payload\xff")


@check
async def the_newest_version_is_the_snapshot(open: Open) -> None:
    for version in (1, 2, 9, 10, 11, 100):
        await open().write_snapshot("alice", version, b"%d" % version)
        assert await open().read_snapshot("alice") == Stored(version, b"%d" % version)


@check
async def a_late_write_of_a_lower_version_changes_nothing(open: Open) -> None:
    await open().write_snapshot("alice", 9, b"nine")
    await open().write_snapshot("alice", 7, b"seven, late")
    assert await open().read_snapshot("alice") == Stored(9, b"nine")


@check
async def of_two_writers_at_one_version_the_first_stays(open: Open) -> None:
    await open().write_snapshot("alice", 9, b"first")
    await open().write_snapshot("alice", 9, b"second")
    assert await open().read_snapshot("alice") == Stored(9, b"first")


@check
async def writers_that_race_leave_the_highest_version(open: Open) -> None:
    versions = [5, 3, 9, 1, 8, 2, 7, 4, 6]
    stores = [open() for _ in versions]
    for base in range(0, 90, 9):
        await asyncio.gather(
            *(
                store.write_snapshot("alice", base + version, b"%d" % (base + version))
                for store, version in zip(stores, versions, strict=True)
            )
        )
        assert await open().read_snapshot("alice") == Stored(base + 9, b"%d" % (base + 9))


@check
async def a_reader_never_misses_a_snapshot_that_is_being_replaced(open: Open) -> None:
    writer, reader = open(), open()
    await writer.write_snapshot("alice", 1, b"1")

    async def replace() -> None:
        for version in range(2, 60):
            await writer.write_snapshot("alice", version, b"%d" % version)

    replacing, last = asyncio.create_task(replace()), 0
    while not replacing.done():
        found = await reader.read_snapshot("alice")
        assert found is not None
        assert found.payload == b"%d" % found.version
        assert found.version >= last
        last = found.version
        await asyncio.sleep(0)
    await replacing


@check
async def users_do_not_mix(open: Open) -> None:
    ids = ["a", "a~1", "A", "a.b", "..", "a@b:c", "-", "_", "x" * 128, "a~00000000000000000009"]
    for version, user_id in enumerate(ids, start=1):
        await open().write_snapshot(user_id, version, user_id.encode())
    for version, user_id in enumerate(ids, start=1):
        assert await open().read_snapshot(user_id) == Stored(version, user_id.encode())
    assert await users(open()) == sorted(ids)


@check
async def a_deleted_user_is_gone_and_may_come_back(open: Open) -> None:
    await open().write_snapshot("alice", 4, b"four")
    await open().write_snapshot("bob", 1, b"one")
    await open().delete_snapshot("alice")
    assert await open().read_snapshot("alice") is None
    assert await users(open()) == ["bob"]
    await open().write_snapshot("alice", 1, b"a new start")
    assert await open().read_snapshot("alice") == Stored(1, b"a new start")


@check
async def deleting_an_unknown_user_is_fine(open: Open) -> None:
    await open().delete_snapshot("nobody")
    assert await users(open()) == []


@check
async def asking_for_what_is_unknown_leaves_no_trace(open: Open) -> None:
    store, nobody = open(), StreamId("users:9", "00000000000000000001-feed")
    assert await store.read_snapshot("nobody") is None
    assert await batches(store, nobody) == []
    assert await store.streams("users:9") == []
    await store.fence(nobody)
    await store.drop(nobody)
    assert await open().streams() == []
    assert await users(open()) == []
    await store.close()


@check
async def snapshots_are_no_streams_and_streams_are_no_users(open: Open) -> None:
    await open().write_snapshot("alice", 1, b"one")
    writer = await open().claim("users:1")
    await writer.append(b"batch")
    assert await users(open()) == ["alice"]
    assert await open().streams() == [writer.id]


@check
async def a_user_whose_snapshot_is_being_replaced_is_always_listed(open: Open) -> None:
    writer, reader = open(), open()
    await writer.write_snapshot("alice", 1, b"1")

    async def replace() -> None:
        for version in range(2, 40):
            await writer.write_snapshot("alice", version, b"%d" % version)

    replacing = asyncio.create_task(replace())
    while not replacing.done():
        assert await users(reader) == ["alice"]
        await asyncio.sleep(0)
    await replacing


# What operator's tools add


@check
async def a_note_is_read_as_it_was_written_and_is_no_user(open: Open) -> None:
    assert await open().read_note("backup") is None
    await open().write_note("backup", b"\x00content\xff")
    await open().write_note("backup-00000001", b"")
    assert await open().read_note("backup") == b"\x00content\xff"
    assert await open().read_note("backup-00000001") == b""
    assert await users(open()) == []
    assert await open().streams() == []


@check
async def a_note_is_never_replaced(open: Open) -> None:
    await open().write_note("backup", b"one")
    await open().write_note("backup", b"one")
    with pytest.raises(Unavailable, match="something else stands"):
        await open().write_note("backup", b"another")
    assert await open().read_note("backup") == b"one"


@check
async def a_store_says_its_format_once_something_stands_and_reading_makes_nothing(
    open: Open,
) -> None:
    assert await open().format() is None
    await probe(open())
    await open().write_snapshot("alice", 1, b"one")
    assert await open().format() == 1

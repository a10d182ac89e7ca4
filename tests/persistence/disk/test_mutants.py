"""Mutation tests: each mechanism of the disk store is broken in turn, and a check has to fail.

A suite that stays green on a broken store would be worth nothing (R22).
"""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from persistence.disk import files, journals, snapshots
from persistence.disk.journals import FENCE
from persistence.disk.store import DiskStore
from persistence.disk.stream import DiskStream
from persistence.errors import Fenced, StorageError
from persistence.failpoints import failpoint
from persistence.journal import frame
from persistence.memory import MemoryStore, World
from persistence.store import Stored
from tests.conformance import store_journals_kit, store_kit
from tests.persistence.disk import fault_kit
from tests.persistence.disk.power_loss_kit import lose_power_everywhere
from tests.persistence.disk.race_kit import (
    acknowledged_after_a_takeover,
    snapshot_after_a_late_write,
)
from tests.persistence.journal import frame_kit

Patch = pytest.MonkeyPatch


async def fails_on_disk(check: store_kit.Check, folder: Path, segment_bytes: int = 2_000) -> None:
    opened: list[DiskStore] = []

    def open_again() -> DiskStore:
        opened.append(DiskStore(folder / "broken", segment_bytes))
        return opened[-1]

    with pytest.raises((AssertionError, StorageError, pytest.fail.Exception)):
        await check(open_again)
    for store in opened:
        await store.close()


# The fence


async def test_a_writer_that_never_looks_for_a_fence_is_caught(
    tmp_path: Path, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(DiskStream, "_look_for_a_successor", lambda self: None)
    await fails_on_disk(
        store_journals_kit.a_stale_writer_is_refused_once_its_stream_is_fenced, tmp_path
    )


async def test_a_writer_that_looks_for_the_fence_only_is_caught(
    tmp_path: Path, monkeypatch: Patch
) -> None:
    """Dropping takes the fence away with the folder; only the path of the segment tells then."""

    def look(self: DiskStream) -> None:
        if (self._folder / FENCE).exists():
            raise Fenced("fenced")

    monkeypatch.setattr(DiskStream, "_look_for_a_successor", look)
    check = store_journals_kit.a_dropped_stream_is_gone_and_its_writer_stays_fenced
    await fails_on_disk(check, tmp_path)


async def test_a_writer_that_looks_before_it_writes_is_caught(
    tmp_path: Path, monkeypatch: Patch
) -> None:
    look = DiskStream._look_for_a_successor
    append = DiskStream._append

    def look_first(self: DiskStream, payload: bytes) -> int:
        look(self)
        return append(self, payload)

    monkeypatch.setattr(DiskStream, "_append", look_first)
    monkeypatch.setattr(DiskStream, "_look_for_a_successor", lambda self: None)
    step = "journal.before_append"
    acknowledged, read = await acknowledged_after_a_takeover(tmp_path, step, drop=True)
    assert acknowledged
    assert len(read) == 1, "acknowledged, and lost: what the paused-writer tests refuse"


async def test_a_successor_that_seals_nothing_is_caught(tmp_path: Path, monkeypatch: Patch) -> None:
    monkeypatch.setattr(journals, "_seal", lambda folder: None)
    await fails_on_disk(store_journals_kit.a_fenced_stream_reads_the_same_for_ever, tmp_path)


async def test_a_roll_that_makes_the_folder_again_is_caught(
    tmp_path: Path, monkeypatch: Patch
) -> None:
    new_segment = DiskStream._new_segment

    def make_and_roll(self: DiskStream) -> tuple[Path, int]:
        self._folder.mkdir(parents=True, exist_ok=True)
        return new_segment(self)

    monkeypatch.setattr(DiskStream, "_new_segment", make_and_roll)
    check = store_journals_kit.a_stale_writer_that_has_to_begin_a_new_segment_is_fenced
    await fails_on_disk(check, tmp_path)


async def test_a_memory_store_without_fences_is_caught() -> None:
    class Unfenced(MemoryStore):
        async def fence(self, stream: object) -> None: ...

    shared = World()
    with pytest.raises(pytest.fail.Exception):
        await store_journals_kit.a_stale_writer_is_refused_once_its_stream_is_fenced(
            lambda: Unfenced(shared)
        )


# Syncs


@pytest.mark.parametrize("skipped", ["sync", "sync_folder"])
async def test_a_store_that_skips_a_kind_of_sync_is_caught(
    skipped: str, tmp_path: Path, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(files, skipped, lambda _: None)
    with pytest.raises((AssertionError, StorageError)):
        await lose_power_everywhere(tmp_path, 10)


async def test_an_append_that_syncs_again_after_a_failure_is_caught(
    tmp_path: Path, monkeypatch: Patch
) -> None:
    sync = files.sync

    def stubborn(fd: int) -> None:
        try:
            sync(fd)
        except OSError:
            sync(fd)

    monkeypatch.setattr(files, "sync", stubborn)
    with pytest.MonkeyPatch.context() as inner, pytest.raises(pytest.fail.Exception):
        await fault_kit.a_failed_append_breaks_the_stream_for_good("fdatasync", 5, tmp_path, inner)


# Checksums


@pytest.mark.parametrize(
    "test",
    [
        lambda: frame_kit.every_flipped_bit_of_an_earlier_record_is_named(1),
        frame_kit.a_flipped_bit_of_the_last_record_is_never_served,
        frame_kit.a_file_of_one_frame_forgives_nothing,
    ],
)
def test_a_decoder_that_ignores_the_payload_checksum_is_caught(
    test: Callable[[], None], monkeypatch: Patch
) -> None:
    def believe(payload: bytes, header: frame._Header) -> bool:
        return len(payload) == header.length

    monkeypatch.setattr(frame, "_is_sound", believe)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        test()


def test_a_decoder_that_takes_any_bad_frame_for_a_torn_one_is_caught(monkeypatch: Patch) -> None:
    monkeypatch.setattr(frame, "_refuse_unless_torn", lambda *_: None)
    with pytest.raises(pytest.fail.Exception):
        frame_kit.every_flipped_bit_of_an_earlier_record_is_named(1)


# Snapshots


async def test_snapshots_that_overwrite_by_name_are_caught(
    tmp_path: Path, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(files, "link_new", os.replace)
    found = await snapshot_after_a_late_write(tmp_path, "snapshot.before_rename", late=9, early=9)
    assert found == Stored(9, b"late"), "the second won: what the race tests refuse"


async def test_a_version_check_followed_by_a_rename_is_caught(
    tmp_path: Path, monkeypatch: Patch
) -> None:
    """The tempting design: one file a user, its version looked up before it is replaced."""

    def write(self: snapshots.Snapshots, user_id: str, version: int, payload: bytes) -> None:
        standing = read(self, user_id)
        if standing is None or standing.version < version:
            failpoint("snapshot.before_write")
            content = frame.encode(version, payload, frame.SNAPSHOT)
            with files.draft(self._root, content) as draft:
                failpoint("snapshot.before_rename")
                os.replace(draft, self._root / user_id)

    def read(self: snapshots.Snapshots, user_id: str) -> Stored | None:
        path = self._root / user_id
        if not path.exists():
            return None
        return Stored(*frame.decode_one(path.read_bytes(), str(path), frame.SNAPSHOT))

    monkeypatch.setattr(snapshots.Snapshots, "write", write)
    monkeypatch.setattr(snapshots.Snapshots, "read", read)
    found = await snapshot_after_a_late_write(tmp_path, "snapshot.before_rename", late=7, early=9)
    assert found == Stored(7, b"late"), "it went backwards: what the race tests refuse"


@pytest.mark.parametrize(
    "check",
    [
        store_kit.a_late_write_of_a_lower_version_changes_nothing,
        store_kit.of_two_writers_at_one_version_the_first_stays,
        store_kit.writers_that_race_leave_the_highest_version,
    ],
)
async def test_a_memory_store_that_believes_the_last_writer_is_caught(
    check: Callable[[store_kit.Open], Awaitable[None]],
) -> None:
    class LastWins(MemoryStore):
        async def write_snapshot(self, user_id: str, version: int, payload: bytes) -> None:
            self._world.snapshots[user_id] = Stored(version, payload)

    shared = World()
    with pytest.raises(AssertionError):
        await check(lambda: LastWins(shared))

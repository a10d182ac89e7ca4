"""Writers paused at an instruction that wake up stale, on disk (P3, P6)."""

import asyncio
from contextlib import ExitStack
from pathlib import Path

import pytest

from persistence.disk import journals
from persistence.disk.store import DiskStore
from persistence.disk.stream import DiskStream
from persistence.errors import Fenced
from persistence.store import Batch, Stored
from tests.conformance.store_kit import batches
from tests.persistence.disk.history_kit import found
from tests.persistence.disk.race_kit import (
    acknowledged_after_a_takeover,
    snapshot_after_a_late_write,
)

APPEND_STEPS = [
    "journal.before_append",
    "journal.mid_append",
    "journal.after_append",
    "journal.after_sync",
]


@pytest.mark.parametrize("step", APPEND_STEPS)
@pytest.mark.parametrize("drop", [False, True], ids=["fenced", "fenced and dropped"])
async def test_a_writer_paused_during_a_takeover_answers_nobody(
    step: str, drop: bool, tmp_path: Path
) -> None:
    acknowledged, read = await acknowledged_after_a_takeover(tmp_path, step, drop)
    assert not acknowledged
    assert read[0] == Batch(1, b"before")


async def test_a_stream_being_rolled_while_it_is_taken_over_is_fenced(tmp_path: Path) -> None:
    store = DiskStore(tmp_path, segment_bytes=100)
    stream = await store.claim("users:1")
    for _ in range(5):
        await stream.append(b"x" * 60)
    await store.fence(stream.id)
    read = await batches(store, stream.id)
    with pytest.raises(Fenced):
        await stream.append(b"x" * 60)  # in a segment of its own
    assert await batches(store, stream.id) == read
    assert len(read) == 5


SNAPSHOT_STEPS = ["snapshot.before_write", "snapshot.before_rename", "snapshot.after_rename"]


@pytest.mark.parametrize("step", SNAPSHOT_STEPS)
async def test_a_stale_snapshot_written_late_loses_by_its_number(step: str, tmp_path: Path) -> None:
    snapshot = await snapshot_after_a_late_write(tmp_path, step, late=7, early=9)
    assert snapshot == Stored(9, b"early")
    assert len(found(tmp_path, "snapshots/*/*/*")) == 1


@pytest.mark.parametrize("step", SNAPSHOT_STEPS[:2])
async def test_of_two_snapshots_of_one_version_the_first_to_be_named_stays(
    step: str, tmp_path: Path
) -> None:
    snapshot = await snapshot_after_a_late_write(tmp_path, step, late=9, early=9)
    assert snapshot == Stored(9, b"early")


async def test_a_reader_looks_again_when_what_it_found_was_replaced(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    await store.write_snapshot("alice", 1, b"1")

    async def replace() -> None:
        for version in range(2, 200):
            await store.write_snapshot("alice", version, b"%d" % version)

    replacing = asyncio.create_task(replace())
    while not replacing.done():
        found = await asyncio.gather(*(store.read_snapshot("alice") for _ in range(4)))
        assert all(one is not None for one in found)
    await replacing


async def test_hosts_that_claim_while_others_close_get_their_stream(tmp_path: Path) -> None:
    """The last to close takes the host's folder away, under the feet of who claims."""

    async def come_and_go() -> None:
        store = DiskStore(tmp_path)
        for _ in range(20):
            stream = await store.claim("users:1")
            await stream.drop_through(await stream.append(b"x"))
            await stream.close()
        await store.close()

    await asyncio.gather(*(come_and_go() for _ in range(4)))
    store = DiskStore(tmp_path)
    assert await store.streams() == []
    assert found(tmp_path, "journals/*") == []
    await store.close()


@pytest.mark.parametrize("drop", [False, True], ids=["fenced", "fenced and dropped"])
async def test_a_reader_that_fences_nobody_reads_nothing_that_a_stale_writer_adds_meanwhile(
    drop: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Operator's tools read while others take over: the seal comes when they looked for it."""
    store = DiskStore(tmp_path)
    stream = await store.claim("users:1")
    assert isinstance(stream, DiskStream)
    await stream.append(b"acknowledged")
    open_segments = journals._open_segments

    def overtaken(folder: Path, opened: ExitStack) -> list[tuple[Path, int]]:
        monkeypatch.undo()
        journals.fence(tmp_path, stream.id)
        with pytest.raises(Fenced):
            stream._append(b"stale")
        segments = open_segments(folder, opened)
        if drop:
            journals.drop(tmp_path, stream.id)
        return segments

    monkeypatch.setattr(journals, "_open_segments", overtaken)
    assert await batches(store, stream.id) == ([] if drop else [Batch(1, b"acknowledged")])
    await store.close()

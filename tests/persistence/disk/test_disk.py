"""What the `file://` store leaves on disk, what it refuses there, and who may serve it."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from persistence.disk.lock import lock_store
from persistence.disk.store import DiskStore
from persistence.errors import Corrupt, NewerFormat, StoreInUse, Unavailable
from persistence.store import StreamId
from tests.conformance.store_kit import batches
from tests.persistence.disk.history_kit import found


def only(root: Path, pattern: str) -> Path:
    (path,) = found(root, pattern)
    return path


async def test_opening_and_reading_make_nothing(tmp_path: Path) -> None:
    store, nobody = DiskStore(tmp_path / "store"), StreamId("users:1", "1-feed")
    assert await store.read_snapshot("alice") is None
    assert await store.streams() == await store.streams("users:1") == []
    assert await batches(store, nobody) == []
    await store.fence(nobody)
    await store.drop(nobody)
    await store.delete_snapshot("alice")
    await store.close()
    assert found(tmp_path, "*") == []


async def test_unknown_users_and_hosts_leave_no_file_in_a_store_in_use(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    await store.write_snapshot("alice", 1, b"one")
    before = found(tmp_path, "**/*")
    assert await store.read_snapshot("nobody") is None
    assert await store.streams("users:9") == []
    await store.drop(StreamId("users:9", "1-feed"))
    assert found(tmp_path, "**/*") == before
    await store.close()


async def test_a_store_that_is_closed_answers_nothing(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    await store.close()
    with pytest.raises(Unavailable, match="closed"):
        await store.read_snapshot("alice")


async def test_old_versions_and_drafts_do_not_stay(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    for version in range(1, 20):
        await store.write_snapshot("alice", version, b"rows")
    snapshot = only(tmp_path, "snapshots/*/*/*")
    assert snapshot.name == "alice~00000000000000000019.snapshot"
    assert list((tmp_path / "tmp").iterdir()) == []
    await store.close()


async def test_disk_space_returns_when_batches_are_dropped(tmp_path: Path) -> None:
    store = DiskStore(tmp_path, segment_bytes=10_000)
    stream = await store.claim("users:1")
    for _ in range(40):
        last = await stream.append(b"x" * 3_000)
    assert len(found(tmp_path, "journals/*/*/*.journal")) == 14
    await stream.drop_through(last)
    assert len(found(tmp_path, "journals/*/*/*.journal")) == 1
    big = await stream.append(b"x" * 300_000)
    await stream.drop_through(big)
    assert only(tmp_path, "journals/*/*/*.journal").stat().st_size == 0
    await stream.close()
    assert found(tmp_path, "journals/*") == found(tmp_path, "trash/*") == []
    await store.close()


async def test_a_torn_tail_is_left_out_and_left_in_place(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    stream = await store.claim("users:1")
    for i in range(1, 4):
        await stream.append(b"%d" % i)
    segment = only(tmp_path, "journals/*/*/*.journal")
    torn = segment.read_bytes()[:-1]
    segment.write_bytes(torn)
    assert [batch.payload for batch in await batches(store, stream.id)] == [b"1", b"2"]
    await store.fence(stream.id)
    assert [batch.payload for batch in await batches(store, stream.id)] == [b"1", b"2"]
    assert segment.read_bytes() == torn
    await store.close()


async def test_damage_in_a_journal_is_named_by_file_and_offset(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    stream = await store.claim("users:1")
    for _ in range(3):
        await stream.append(b"x" * 100)
    segment = only(tmp_path, "journals/*/*/*.journal")
    content = bytearray(segment.read_bytes())
    content[132 + 50] ^= 1
    segment.write_bytes(content)
    with pytest.raises(Corrupt) as caught:
        await batches(store, stream.id)
    assert (caught.value.place, caught.value.offset) == (str(segment), 132)
    await store.close()


@pytest.mark.parametrize("torn", [True, False], ids=["cut short", "missing"])
async def test_a_damaged_segment_before_the_last_is_named(torn: bool, tmp_path: Path) -> None:
    store = DiskStore(tmp_path, segment_bytes=100)
    stream = await store.claim("users:1")
    for _ in range(4):
        await stream.append(b"x" * 60)
    second = found(tmp_path, "journals/*/*/*.journal")[1]
    if torn:
        second.write_bytes(second.read_bytes()[:-1])
    else:
        second.unlink()
    with pytest.raises(Corrupt, match=r"\.journal at byte 0: "):
        await batches(store, stream.id)
    await store.close()


async def test_a_sealed_stream_that_lost_its_end_is_named(tmp_path: Path) -> None:
    """Once sealed, the last batch can no longer be mistaken for a torn one."""
    store = DiskStore(tmp_path)
    stream = await store.claim("users:1")
    for i in range(1, 4):
        await stream.append(b"%d" % i)
    await store.fence(stream.id)
    segment = only(tmp_path, "journals/*/*/*.journal")
    segment.write_bytes(segment.read_bytes()[:-1])
    with pytest.raises(Corrupt, match="sealed after batch 3"):
        await batches(store, stream.id)
    await store.close()


async def test_a_damaged_snapshot_is_named_and_no_older_one_served(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    await store.write_snapshot("alice", 1, b"one")
    older = only(tmp_path, "snapshots/*/*/*")
    kept = older.read_bytes()
    await store.write_snapshot("alice", 2, b"two")
    newest = only(tmp_path, "snapshots/*/*/*")
    older.write_bytes(kept)
    newest.write_bytes(newest.read_bytes()[:-1] + b"?")
    with pytest.raises(Corrupt) as caught:
        await store.read_snapshot("alice")
    assert caught.value.place == str(newest)
    newest.write_bytes(kept)
    with pytest.raises(Corrupt, match="version 1 under this name"):
        await store.read_snapshot("alice")
    await store.close()


async def test_a_store_of_a_newer_format_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "STORE").write_text('{"questkeep_store_format": 2}')
    store = DiskStore(tmp_path)
    for asking in (
        store.read_snapshot("alice"),
        store.write_snapshot("alice", 1, b"one"),
        store.claim("users:1"),
        store.streams(),
    ):
        with pytest.raises(NewerFormat, match=r"STORE has format 2; .* up to 1"):
            await asking
    await store.close()
    assert found(tmp_path, "*") == [tmp_path / "STORE"]


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"questkeep_store_format": "1"}'])
async def test_a_store_that_cannot_be_recognised_is_not_served(
    content: str | None, tmp_path: Path
) -> None:
    first = DiskStore(tmp_path)
    await first.write_snapshot("alice", 1, b"one")
    await first.close()
    if content is None:
        (tmp_path / "STORE").unlink()
    else:
        (tmp_path / "STORE").write_text(content)
    store = DiskStore(tmp_path)
    with pytest.raises(Corrupt, match="STORE at byte 0"):
        await store.read_snapshot("alice")
    await store.close()


async def test_a_store_that_cannot_be_written_says_which(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = DiskStore(tmp_path / "file" / "store")
    with pytest.raises(
        Unavailable, match=r"could not claim a journal for users:1 in .*/file/store"
    ):
        await store.claim("users:1")
    await store.close()


@pytest.mark.parametrize("name", ["", "x" * 201])
async def test_a_name_that_is_no_file_name_is_refused(name: str, tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    with pytest.raises(ValueError, match="a name of 1 to 200 bytes"):
        await store.claim(name)
    await store.close()


async def test_appends_do_not_hold_up_the_event_loop(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    stream = await store.claim("users:1")
    appending = asyncio.create_task(stream.append(b"x"))
    turns = 0
    while not appending.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 1
    await store.close()


def test_a_second_server_is_refused_by_name_of_the_first(tmp_path: Path) -> None:
    with (
        lock_store(tmp_path, "http://127.0.0.1:8080"),
        pytest.raises(
            StoreInUse, match=rf"127\.0\.0\.1:8080 \(process {os.getpid()} on .*, since 20"
        ),
    ):
        lock_store(tmp_path, "http://127.0.0.1:9090")
    lock_store(tmp_path, "http://127.0.0.1:9090").close()


def test_a_server_in_another_process_is_named_and_its_death_frees_the_store(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from persistence.disk.lock import lock_store\n"
        "held = lock_store(Path(sys.argv[1]), 'http://first:8080'); print('held', flush=True)\n"
        "sys.stdin.read()"
    )
    first = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        cwd=Path(__file__).parents[3],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert first.stdout is not None
    assert first.stdout.readline() == b"held\n"
    with pytest.raises(StoreInUse, match=rf"http://first:8080 \(process {first.pid} on "):
        lock_store(tmp_path, "http://second:8080")
    first.kill()
    first.communicate()
    lock_store(tmp_path, "http://second:8080").close()


def test_the_lock_says_who_holds_it(tmp_path: Path) -> None:
    with lock_store(tmp_path, "http://127.0.0.1:8080"):
        card = json.loads((tmp_path / "lock").read_text())
    assert card.keys() == {"pid", "host", "url", "started"}


async def test_hosts_open_a_locked_store_and_need_no_lock(tmp_path: Path) -> None:
    with lock_store(tmp_path, "http://127.0.0.1:8080"):
        store = DiskStore(tmp_path)
        assert await (await store.claim("users:1")).append(b"x") == 1
        await store.close()


async def test_a_server_that_starts_sweeps_what_crashes_left(tmp_path: Path) -> None:
    for leftover in ("tmp/draft", "trash/users:1~1-feed/00000000000000000001.journal"):
        (tmp_path / leftover).parent.mkdir(parents=True)
        (tmp_path / leftover).write_bytes(b"x")
    lock_store(tmp_path, "http://127.0.0.1:8080").close()
    assert found(tmp_path, "trash/*") == found(tmp_path, "tmp/*") == []
    store = DiskStore(tmp_path)
    await store.write_snapshot("alice", 1, b"one")
    await store.close()


async def test_a_store_that_another_process_makes_meanwhile_is_not_taken_for_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = DiskStore(tmp_path / "elsewhere")
    await elsewhere.write_snapshot("u", 1, b"state")
    await elsewhere.close()
    root = tmp_path / "store"
    store = DiskStore(root)
    looked = False

    def made_after_the_first_look(path: Path) -> bytes:
        nonlocal looked
        if path == root / "STORE" and not looked:
            looked = True
            shutil.copytree(tmp_path / "elsewhere", root)
            raise FileNotFoundError
        with path.open("rb") as file:
            return file.read()

    monkeypatch.setattr(Path, "read_bytes", made_after_the_first_look)
    await store.write_snapshot("v", 1, b"state")
    assert looked
    await store.close()

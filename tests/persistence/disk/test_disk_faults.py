"""A disk that refuses: nothing acknowledged is lost, nothing failed is tried again (P8)."""

import errno
from pathlib import Path

import pytest

from persistence.disk import files
from persistence.disk.store import DiskStore
from persistence.errors import StorageError, Unavailable
from tests.conformance.store_kit import batches
from tests.persistence.disk.fault_kit import a_failed_append_breaks_the_stream_for_good
from tests.persistence.disk.history_kit import ClientView, live, nothing_is_lost
from tests.persistence.disk.recorded_os_kit import CHANGING, FailingOs, StandIn


@pytest.fixture(autouse=True)
def _a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_doubtful", set())


@pytest.mark.slow
async def test_no_call_that_fails_loses_anything_acknowledged(tmp_path: Path) -> None:
    """The n-th changing call fails, for every n of a scripted life (R9)."""
    failed: set[str] = set()
    for at in range(1, 1000):
        root, client, broken = tmp_path / str(at), ClientView(), FailingOs(at)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(files, "_doubtful", set())
            broken.install(patch)
            try:
                await live(root, client)
            except StorageError:
                assert broken.failed is not None
        with pytest.MonkeyPatch.context() as restarted:
            restarted.setattr(files, "_doubtful", set())
            nothing_is_lost(root, client.acknowledged, client.attempted)
            await _serves_again(root)
        if broken.failed is None:
            break
        failed.add(broken.failed)
    assert at > 100
    assert failed == set(CHANGING)


async def _serves_again(root: Path) -> None:
    store = DiskStore(root)
    stream = await store.claim("users:2")
    assert await stream.append(b"space is back") == 1
    await stream.close()
    await store.close()


@pytest.mark.parametrize(
    ("call", "code"),
    [("write", errno.ENOSPC), ("write", errno.EIO), ("fdatasync", errno.EIO)],
)
async def test_a_failed_append_breaks_the_stream_for_good(
    call: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_failed_append_breaks_the_stream_for_good(call, code, tmp_path, monkeypatch)


async def test_a_disk_that_takes_a_few_bytes_at_a_time_gets_them_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Sipping(StandIn):
        def write(self, fd: int, content: memoryview) -> int:
            return int(super().__getattr__("write")(fd, content[:7]))

    sipping = Sipping()
    sipping.install(monkeypatch)
    store = DiskStore(tmp_path / "store")
    stream = await store.claim("users:1")
    await stream.append(b"x" * 1000)
    assert [batch.payload for batch in await batches(store, stream.id)] == [b"x" * 1000]
    assert sipping.calls["write"] > 100


async def test_a_folder_whose_sync_failed_is_not_believed_a_second_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = DiskStore(tmp_path / "store")
    await store.write_snapshot("alice", 1, b"one")
    with pytest.MonkeyPatch.context() as patch:
        FailingOs(1, "fsync").install(patch)
        with pytest.raises(Unavailable):
            await store.write_snapshot("alice", 2, b"two")
    with pytest.raises(Unavailable, match="an earlier sync"):
        await store.write_snapshot("alice", 2, b"two")
    assert await store.read_snapshot("alice") is not None


async def test_a_fence_that_cannot_be_read_is_no_leave_to_acknowledge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Blind(StandIn):
        def lstat(self, path: Path) -> None:
            raise PermissionError(errno.EACCES, "no answer")

    store = DiskStore(tmp_path / "store")
    stream = await store.claim("users:1")
    Blind().install(monkeypatch)
    with pytest.raises(Unavailable):
        await stream.append(b"unknown")

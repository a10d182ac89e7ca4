"""Checks of a disk that refuses: each raises where a promise was broken."""

from pathlib import Path

import pytest

from persistence.disk.store import DiskStore
from persistence.errors import Unavailable
from tests.conformance.store_kit import batches
from tests.persistence.disk.recorded_os_kit import FailingOs


async def a_failed_append_breaks_the_stream_for_good(
    call: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = DiskStore(tmp_path / "store")
    stream = await store.claim("users:1")
    await stream.append(b"acknowledged")
    broken = FailingOs(1, call, code)
    broken.install(monkeypatch)
    with pytest.raises(Unavailable, match="could not append to"):
        await stream.append(b"unknown")
    calls = broken.calls.copy()
    for _ in range(3):
        with pytest.raises(Unavailable):
            await stream.append(b"never tried")
    with pytest.raises(Unavailable):
        await stream.drop_through(1)
    assert broken.calls == calls
    monkeypatch.undo()
    with pytest.raises(Unavailable):
        await stream.append(b"never tried, though the disk is well again")
    await stream.close()
    await store.fence(stream.id)
    found = [batch.payload for batch in await batches(store, stream.id)]
    assert found in ([b"acknowledged"], [b"acknowledged", b"unknown"])

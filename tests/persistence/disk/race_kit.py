"""Writers on disk that are paused at a failpoint while a successor takes over."""

import asyncio
from pathlib import Path

from persistence.disk.store import DiskStore
from persistence.errors import Fenced
from persistence.store import Batch, Stored
from tests.conformance.store_kit import batches
from tests.persistence.paused_kit import paused_at


async def acknowledged_after_a_takeover(
    root: Path, step: str, drop: bool
) -> tuple[bool, list[Batch]]:
    """Pause an append at `step`, take its stream over, let it go on.

    Return whether it was acknowledged, and what the successor had read.
    """
    store = DiskStore(root)
    stream = await store.claim("users:1")
    await stream.append(b"before")
    with paused_at(step) as pause:
        appending = asyncio.create_task(stream.append(b"paused"))
        await asyncio.to_thread(pause.arrived.wait)
        await store.fence(stream.id)
        read = await batches(store, stream.id)
        if drop:
            await store.drop(stream.id)
        pause.go_on.set()
        try:
            await appending
            acknowledged = True
        except Fenced:
            acknowledged = False
    if not drop:
        assert await batches(store, stream.id) == read, "what a successor reads must not change"
    await store.close()
    return acknowledged, read


async def snapshot_after_a_late_write(
    root: Path, step: str, late: int, early: int
) -> Stored | None:
    """Pause the write of version `late` at `step`, write `early` meanwhile, let the first go on."""
    store = DiskStore(root)
    await store.write_snapshot("alice", 1, b"old")
    with paused_at(step) as pause:
        writing = asyncio.create_task(store.write_snapshot("alice", late, b"late"))
        await asyncio.to_thread(pause.arrived.wait)
        await store.write_snapshot("alice", early, b"early")
        pause.go_on.set()
        await writing
    found = await store.read_snapshot("alice")
    await store.close()
    return found

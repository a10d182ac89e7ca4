"""A scripted life of one user on disk, and the check that nothing acknowledged was lost after it.

Used under failing calls, power loss and broken variants.  Every batch and snapshot holds the user's
version and nothing else, so that what must be found afterwards is one number.
"""

from collections.abc import Callable
from pathlib import Path

from persistence.disk import journals
from persistence.disk.snapshots import Snapshots
from persistence.disk.store import DiskStore
from persistence.store import Stream

USER = "alice"
HOST = "users:1"
SEGMENT_BYTES = 70  # two batches


class ClientView:
    """What the user's clients know: `acknowledged` came back, `attempted` was at least tried."""

    def __init__(self, on_change: Callable[[int, int], None] = lambda *_: None) -> None:
        self.acknowledged = 0
        self.attempted = 0
        self._on_change = on_change

    def attempt(self) -> bytes:
        self.attempted += 1
        self._on_change(self.acknowledged, self.attempted)
        return b"%d" % self.attempted

    def acknowledge(self) -> None:
        self.acknowledged = self.attempted
        self._on_change(self.acknowledged, self.attempted)


async def live(root: Path, client: ClientView) -> None:
    """Appends, checkpoints, rolled segments, a takeover with its fold, and a clean end."""
    store = DiskStore(root, SEGMENT_BYTES)
    try:
        first = await store.claim(HOST)
        await _append(first, client, 5)
        await store.write_snapshot(USER, client.acknowledged, b"%d" % client.acknowledged)
        await first.drop_through(4)
        await _append(first, client, 3)
        second = await store.claim(HOST)
        await store.fence(first.id)
        read = [int(batch.payload) async for batch in store.read(first.id)]
        await store.write_snapshot(USER, read[-1], b"%d" % read[-1])
        await store.drop(first.id)
        sequence = await _append(second, client, 3)
        await store.write_snapshot(USER, client.acknowledged, b"%d" % client.acknowledged)
        await second.drop_through(sequence)
        await second.close()
    finally:
        await store.close()


async def _append(stream: Stream, client: ClientView, count: int) -> int:
    sequence = 0
    for _ in range(count):
        sequence = await stream.append(client.attempt())
        client.acknowledge()
    return sequence


def recovered(root: Path) -> int:
    """Return the version a successor arrives at; a gap in the versions is a failure (P2)."""
    root = root.absolute()
    DiskStore(root)._recognise()
    stored = Snapshots(root).read(USER)
    version = stored.version if stored else 0
    journalled: set[int] = set()
    for stream in journals.streams(root, None):
        journals.fence(root, stream)
        for batches in journals.read(root, stream):
            journalled.update(int(batch.payload) for batch in batches)
    for later in sorted(one for one in journalled if one > version):
        assert later == version + 1, f"version {later} after version {version}"
        version = later
    return version


def found(root: Path, pattern: str) -> list[Path]:
    return sorted(root.glob(pattern))


def nothing_is_lost(root: Path, acknowledged: int, attempted: int) -> None:
    version = recovered(root)
    assert acknowledged <= version <= attempted, (
        f"version {version}, acknowledged {acknowledged}, attempted {attempted}"
    )

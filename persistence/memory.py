"""The `memory://` store: keeps nothing past the process, keeps every other clause of the contract.

It ships: for trying Questkeep without a disk, and for tests, which can make it fail on request
(`Faults`).  Openings of the same `World` are hosts racing for one store.

Each process has worlds of its own: under Ray, two actors with the same `memory://` URL share
nothing, and a host that dies takes its users with it.  One world belongs to one event loop.

Not for: anything that has to survive (P1).
"""

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from persistence.errors import Fenced, Unavailable
from persistence.failpoints import failpoint
from persistence.store import Batch, Store, Stored, Stream, StreamId, new_incarnation
from persistence.store_format import STORE_FORMAT


@dataclass
class Faults:
    """What goes wrong in the openings that are given this object.  As made, nothing does.

    Counts are of the next calls that fail with `Unavailable`, and count down.  Gates, where set,
    hold each call until the event is set; no clock is involved.
    """

    appends_lost: int = 0  # nothing is stored
    appends_unconfirmed: int = 0  # the batch is stored, and the caller is not told
    reads: int = 0  # of journals and of snapshots
    snapshot_writes: int = 0
    before_append: asyncio.Event | None = None
    after_append: asyncio.Event | None = None  # stored, and not yet looked for a successor
    before_snapshot_write: asyncio.Event | None = None
    before_snapshot_read: asyncio.Event | None = None

    def take(self, fault: str) -> bool:
        """Count one call down and say whether it is to fail."""
        left: int = getattr(self, fault)
        if left > 0:
            setattr(self, fault, left - 1)
        return left > 0


@dataclass
class _Journal:
    batches: list[Batch] = field(default_factory=list)
    fenced: bool = False


@dataclass
class World:
    """What the openings of one `memory://` store have in common."""

    journals: dict[StreamId, _Journal] = field(default_factory=dict)
    snapshots: dict[str, Stored] = field(default_factory=dict)
    notes: dict[str, bytes] = field(default_factory=dict)
    incarnations: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def copy(self) -> "World":
        """What is stored now; whoever has this world open does not reach the copy."""
        return World(
            {
                stream: _Journal(list(journal.batches), journal.fenced)
                for stream, journal in self.journals.items()
            },
            dict(self.snapshots),
            dict(self.notes),
            self.incarnations,
        )


_worlds: dict[str, World] = {}


def world(name: str) -> World:
    """Return this process's world of that name, made at the first call."""
    return _worlds.setdefault(name, World())


class MemoryStore(Store):
    """Implements `Store` over a `World`."""

    batches_max: int | None = None
    users_max: int | None = None

    def __init__(self, world: World, faults: Faults | None = None, name: str = "") -> None:
        self.url = f"memory://{name}"
        self.faults = Faults() if faults is None else faults
        self._world = world
        self._closed = False

    async def format(self) -> int | None:
        self._check_open()
        stands = self._world.journals or self._world.snapshots or self._world.notes
        return STORE_FORMAT if stands else None

    async def claim(self, host: str) -> Stream:
        self._check_open()
        stream = StreamId(host, new_incarnation(next(self._world.incarnations)))
        self._world.journals[stream] = _Journal()
        return MemoryStream(stream, self._world, self.faults)

    async def streams(self, host: str | None = None) -> list[StreamId]:
        self._check_open()
        return sorted(name for name in self._world.journals if host in (None, name.host))

    async def fence(self, stream: StreamId) -> None:
        self._check_open()
        journal = self._world.journals.get(stream)
        if journal is not None:
            journal.fenced = True

    async def fenced(self, stream: StreamId) -> bool:
        self._check_open()
        journal = self._world.journals.get(stream)
        return journal is not None and journal.fenced

    async def read(self, stream: StreamId) -> AsyncIterator[Batch]:
        self._check_open()
        if self.faults.take("reads"):
            raise Unavailable(f"a fault on request: {stream} was not read")
        journal = self._world.journals.get(stream)
        for batch in list(journal.batches) if journal is not None else []:
            yield batch

    async def drop(self, stream: StreamId) -> None:
        self._check_open()
        self._world.journals.pop(stream, None)

    async def forget_host(self, host: str) -> None:
        self._check_open()

    async def read_snapshot(self, user_id: str) -> Stored | None:
        self._check_open()
        if self.faults.before_snapshot_read is not None:
            await self.faults.before_snapshot_read.wait()
        if self.faults.take("reads"):
            raise Unavailable(f"a fault on request: the snapshot of {user_id} was not read")
        return self._world.snapshots.get(user_id)

    async def write_snapshot(self, user_id: str, version: int, payload: bytes) -> None:
        self._check_open()
        if self.faults.before_snapshot_write is not None:
            await self.faults.before_snapshot_write.wait()
        if self.faults.take("snapshot_writes"):
            raise Unavailable(f"a fault on request: the snapshot of {user_id} was not written")
        failpoint("snapshot.before_write")
        standing = self._world.snapshots.get(user_id)
        if standing is None or standing.version < version:
            self._world.snapshots[user_id] = Stored(version, payload)

    async def delete_snapshot(self, user_id: str) -> None:
        self._check_open()
        self._world.snapshots.pop(user_id, None)

    async def users(self) -> AsyncIterator[str]:
        self._check_open()
        for user_id in list(self._world.snapshots):
            yield user_id

    async def read_note(self, name: str) -> bytes | None:
        self._check_open()
        return self._world.notes.get(name)

    async def write_note(self, name: str, content: bytes) -> None:
        self._check_open()
        if self._world.notes.setdefault(name, content) != content:
            raise Unavailable(f"something else stands under {name} in {self.url}")

    async def close(self) -> None:
        self._closed = True

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable(f"{self.url} was closed")


class MemoryStream(Stream):
    """Implements `Stream`, with the same order as on disk: store, look for a fence, answer."""

    def __init__(self, stream: StreamId, world: World, faults: Faults) -> None:
        self.id = stream
        self._world = world
        self._faults = faults
        self._sequence = 0
        self._dropped = 0
        self._over: Fenced | Unavailable | None = None

    async def append(self, payload: bytes) -> int:
        if self._over is not None:
            raise self._over.with_traceback(None)
        try:
            await self._append(payload)
        except (Fenced, Unavailable) as error:
            self._over = error
            raise
        except asyncio.CancelledError:
            self._over = Unavailable(f"an append to {self.id} was given up half-way")
            raise
        self._sequence += 1
        return self._sequence

    async def _append(self, payload: bytes) -> None:
        if self._faults.before_append is not None:
            await self._faults.before_append.wait()
        if self._faults.take("appends_lost"):
            raise Unavailable(f"a fault on request: nothing was appended to {self.id}")
        failpoint("journal.before_append")
        self._journal().batches.append(Batch(self._sequence + 1, payload))
        failpoint("journal.after_append")
        await asyncio.sleep(0)  # no store answers before others had their turn
        if self._faults.after_append is not None:
            await self._faults.after_append.wait()
        if self._faults.take("appends_unconfirmed"):
            raise Unavailable(f"a fault on request: an append to {self.id} was not confirmed")
        self._journal()

    def _journal(self) -> _Journal:
        journal = self._world.journals.get(self.id)
        if journal is None or journal.fenced:
            raise Fenced(f"another incarnation took over from {self.id}")
        return journal

    async def drop_through(self, sequence: int) -> None:
        if self._over is not None:
            raise self._over.with_traceback(None)
        self._dropped = max(self._dropped, min(sequence, self._sequence))
        batches = self._journal().batches
        batches[:] = [batch for batch in batches if batch.sequence > self._dropped]

    async def close(self) -> None:
        all_dropped = self._over is None and self._dropped == self._sequence
        self._over = Unavailable(f"{self.id} was closed")
        if all_dropped:
            self._world.journals.pop(self.id, None)

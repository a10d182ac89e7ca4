"""A journal stream in a bucket as its one writer has it: one object for each batch.

An append is one conditional write under the next number.  It is acknowledged when that object was
written, or when it is read back and is this very write: then it stood before any fence, and every
successor reads it (P1, P3).  When something else stands there, someone took over.  When neither
can be known in time, the stream is broken for good (P8); `retries` says why a second try with
the same bytes under the same name is not a second belief.

Not for: reading or fencing other incarnations' streams (`objects.journals`).
"""

import time

from persistence.errors import Fenced, StorageError, Unavailable
from persistence.failpoints import failpoint
from persistence.journal import frame
from persistence.objects import envelope, names
from persistence.objects.journals import Journals
from persistence.objects.retries import Calls
from persistence.store import Stream, StreamId, new_incarnation


async def claim(calls: Calls, journals: Journals, host: str, writer: bytes) -> "ObjectStream":
    """Start a new incarnation's stream.

    It is listed before it is returned, not at its first batch: of two hosts that claim and then
    list, at least one sees the other, and fences it.
    """
    stream = StreamId(host, new_incarnation(time.time_ns()))
    content = envelope.encode(frame.SEAL, 0, b"", writer)
    await calls.create(names.standing(stream), content)
    return ObjectStream(stream, calls, journals, writer)


class ObjectStream(Stream):
    """Implements `Stream`: one conditional write for each batch."""

    def __init__(self, stream: StreamId, calls: Calls, journals: Journals, writer: bytes) -> None:
        self.id = stream
        self._calls = calls
        self._journals = journals
        self._writer = writer
        self._sequence = 0  # of the last batch acknowledged
        self._dropped = 0  # every batch up to here is in snapshots
        self._mark: str | None = None  # says so to readers
        self._waste: list[str] = []  # what no reader needs any more
        self._over: StorageError | None = None
        self._closed = False

    async def append(self, payload: bytes) -> int:
        """See `Stream.append`."""
        if self._over is not None:
            raise self._over.with_traceback(None)
        sequence = self._sequence + 1
        content = envelope.encode(frame.JOURNAL, sequence, payload, self._writer)
        try:
            failpoint("journal.before_append")
            await self._write(sequence, content)
            failpoint("journal.after_append")
        except StorageError as error:
            self._over = error
            raise
        except BaseException:  # given up by the caller, or our own bug: it may be on its way
            self._over = Unavailable(f"an append to {self.id} was given up half-way")
            raise
        self._sequence = sequence
        return sequence

    async def _write(self, sequence: int, content: bytes) -> None:
        name = names.numbered(self.id, sequence)
        written = await self._calls.create(name, content)
        if written == content:
            return
        winner = envelope.decode_numbered(written, f"{self._calls.url}/{name}", sequence)
        who = "a successor" if winner.kind == frame.SEAL else "a second writer of this incarnation"
        raise Fenced(f"{who} has number {sequence} of {self.id} in {self._calls.url}")

    async def drop_through(self, sequence: int) -> None:
        """See `Stream.drop_through`.

        Raises:
            Unavailable: the stream itself still stands unless `append` says so.
        """
        if self._over is not None:
            raise self._over.with_traceback(None)
        through = min(sequence, self._sequence)
        if through <= self._dropped:
            return
        failpoint("journal.before_drop")
        await self._journals.mark_dropped(self.id, through)
        covered = range(self._dropped + 1, through + 1)
        self._waste += [names.numbered(self.id, number) for number in covered]
        if self._mark is not None:
            self._waste.append(self._mark)
        self._dropped, self._mark = through, names.dropped(self.id, through)
        await self._calls.delete(self._waste)

    async def close(self) -> None:
        """See `Stream.close`.  A broken or fenced stream is left to its successor as it is.

        `.dropped` goes last: without it, missing batches would look like damage.  It stays when a
        write had to be tried again, because the first try may arrive yet.
        """
        if self._closed:
            return
        self._closed = True
        all_dropped = self._over is None and self._dropped == self._sequence
        self._over = Unavailable(f"{self.id} was closed")
        if all_dropped:
            await self._calls.delete(self._waste)
            await self._calls.delete([names.standing(self.id)])
            if self._mark is not None and not self._calls.doubtful_writes:
                await self._calls.delete([self._mark])

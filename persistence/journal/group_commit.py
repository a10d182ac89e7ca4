"""One append for all records decided while the append before it was on its way.

Nothing waits for a clock: on an idle journal a record goes out alone at once, and the busier the
journal, the more records share one sync.

Not for: deciding what a record says (`codec`), or what to do when the journal is over
(`actors.host`).
"""

import asyncio
from collections import deque
from collections.abc import Callable

import msgpack
import msgspec

from persistence.errors import Corrupt, Unavailable
from persistence.store import Stream

BATCH_BYTES_MAX = 8 * 1024 * 1024


pack_batch: Callable[[list[bytes]], bytes] = msgspec.msgpack.Encoder().encode
"""The records of a batch as one msgpack array of binaries."""


def unpack_batch(payload: bytes, place: str = "a batch") -> list[bytes]:
    """Return the records of a batch in the order they were committed.

    Raises:
        Corrupt: it is no batch of ours; `place` names the stream and batch in the message.
    """
    try:
        records = msgpack.unpackb(payload, raw=False)
    except Exception as error:  # msgpack raises a dozen unrelated kinds on bad bytes
        raise Corrupt(place, 0, f"no list of records: {error}") from error
    if not isinstance(records, list) or not all(isinstance(record, bytes) for record in records):
        raise Corrupt(place, 0, "something other than a list of records")
    return records


class _Durable(asyncio.Future[int]):
    """One future for every caller of a gather, so no caller may cancel it for the others."""

    def cancel(self, msg: object = None) -> bool:
        return False


class _Gather:
    """Records that go out in one append."""

    __slots__ = ("bytes", "durable", "records")

    def __init__(self) -> None:
        self.records: list[bytes] = []
        self.bytes = 0
        self.durable = _Durable()


class GroupCommit:
    """Commits records to one stream, in order, one append at a time.

    After the first failure it is over for good (P8): every waiting and every later commit raises
    that same error.  `pending_bytes` is what has been committed and is not yet durable; callers
    hold back new commands when it grows.
    """

    def __init__(self, stream: Stream, batch_bytes_max: int = BATCH_BYTES_MAX) -> None:
        self._stream = stream
        self._batch_bytes_max = batch_bytes_max
        self._gathers: deque[_Gather] = deque()
        self._writer: asyncio.Task[None] | None = None
        self.pending_bytes = 0
        self.error: BaseException | None = None

    def commit(self, record: bytes) -> asyncio.Future[int]:
        """Return a future of the batch's sequence, done once `record` is durable (P1).

        The future is shared by all records of a batch and ignores being cancelled.  A caller that
        may be cancelled while it waits awaits `asyncio.shield(future)`.

        Raises:
            Fenced: at once or through the future; see `Stream.append`.
            Unavailable: likewise; the record may or may not be durable.
        """
        if self.error is not None:
            raise self.error.with_traceback(None)
        gather = self._gathers[-1] if self._gathers else None
        if gather is None or gather.bytes + len(record) > self._batch_bytes_max:
            gather = _Gather()
            self._gathers.append(gather)
        gather.records.append(record)
        gather.bytes += len(record)
        self.pending_bytes += len(record)
        if self._writer is None:
            self._writer = asyncio.get_running_loop().create_task(self._write())
            self._writer.add_done_callback(self._ended)
        return gather.durable

    async def drained(self) -> None:
        """Return once nothing is on its way.

        Raises:
            Fenced, Unavailable: a commit failed, now or earlier.
        """
        while self._writer is not None:
            await asyncio.wait([self._writer])
        if self.error is not None:
            raise self.error.with_traceback(None)

    async def _write(self) -> None:
        gather: _Gather | None = None
        try:
            while self._gathers:
                gather = self._gathers.popleft()
                sequence = await self._stream.append(pack_batch(gather.records))
                self.pending_bytes -= gather.bytes
                gather.durable.set_result(sequence)
        except asyncio.CancelledError:
            self._fail(gather, Unavailable("the journal's writer was stopped"))
            raise
        except Exception as error:
            self._fail(gather, error)
        finally:
            self._writer = None

    def _ended(self, writer: asyncio.Task[None]) -> None:
        if self._writer is writer:  # cancelled before its first turn: it never got to say so
            self._writer = None
            self._fail(None, Unavailable("the journal's writer was stopped"))

    def _fail(self, gather: _Gather | None, error: Exception) -> None:
        self.error = error
        for waiting in ([] if gather is None else [gather]) + list(self._gathers):
            waiting.durable.set_exception(error)
            waiting.durable.exception()  # a caller that went away has no need of a warning
        self._gathers.clear()
        self.pending_bytes = 0

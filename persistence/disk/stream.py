"""A journal stream on disk as its one writer has it: append, sync, look for the fence, then answer.

Every append ends in the same order, the heart of P3: write, `fdatasync`, and only *then* the two
looks of `_look_for_a_successor`.  `disk.journals` says why a look before the sync would be none.

A write or sync that fails breaks the stream for good (P8): the batch may be whole, torn or absent,
and a second sync of the same file proves nothing.

Not for: reading or fencing other incarnations' streams (`disk.journals`).
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from persistence.disk import files
from persistence.disk.journals import FENCE, JOURNALS, folder_of, segment_path
from persistence.disk.serial_executor import SerialExecutor
from persistence.errors import Fenced, StorageError, Unavailable
from persistence.failpoints import failpoint
from persistence.journal import frame
from persistence.store import Stream, StreamId, new_incarnation

SEGMENT_BYTES = 16 * 1024 * 1024
# An active segment this large is given back once all of it is dropped.
ROLL_BYTES_MIN = 256 * 1024

_Result = TypeVar("_Result")


def claim(root: Path, host: str, segment_bytes: int = SEGMENT_BYTES) -> "DiskStream":
    """Make a new incarnation's folder and first segment, durably, and open it for writing."""
    host_folder = root / JOURNALS / files.file_name(host)
    while True:
        incarnation = new_incarnation(time.time_ns())
        stream = StreamId(host, incarnation)
        files.make_folder(host_folder.parent)
        files.make_folder(host_folder)
        # The host's last stream may be closing at this moment and take the host's folder along.
        with contextlib.suppress(FileNotFoundError):
            files.make_folder(host_folder / incarnation)
            return DiskStream(root, stream, segment_bytes)


class DiskStream(Stream):
    """Implements `Stream`.  All work is done, in order, by one thread of its own."""

    def __init__(self, root: Path, stream: StreamId, segment_bytes: int) -> None:
        self.id = stream
        self._root = root
        self._folder = folder_of(root, stream)
        self._segment_bytes = segment_bytes
        self._sequence = 0  # of the last batch acknowledged
        self._dropped = 0  # every batch up to here is in snapshots
        self._over: StorageError | None = None
        self._closed = False
        self._older: list[tuple[Path, int]] = []  # full segments, each with its last sequence
        self._segment, self._fd = self._new_segment()
        self._written = os.fstat(self._fd)
        self._segment_length = 0
        self._thread = SerialExecutor("journal")

    async def append(self, payload: bytes) -> int:
        """See `Stream.append`.  Cancelling the wait does not stop the append."""
        return await self._in_thread(lambda: self._append(payload))

    async def drop_through(self, sequence: int) -> None:
        """See `Stream.drop_through`.

        Raises:
            Fenced: the stream's folder is gone; stop, as after an append.
            Unavailable: the disk refused; the stream itself still stands unless `append` says so.
        """
        await self._in_thread(lambda: self._drop_through(sequence))

    async def close(self) -> None:
        """See `Stream.close`.  A broken or fenced stream is left to its successor as it is."""
        if self._closed:
            return
        try:
            await self._in_thread(self._close)
        finally:
            self._closed = True
            self._thread.stop()

    async def _in_thread(self, work: Callable[[], _Result]) -> _Result:
        if self._closed:
            raise Unavailable(f"{self._folder} was closed")
        return await self._thread.do(work)

    def _append(self, payload: bytes) -> int:
        if self._over is not None:
            raise self._over.with_traceback(None)
        framed = frame.encode(self._sequence + 1, payload, frame.JOURNAL)
        with self._final_unless_it_succeeds("append to"):
            if 0 < self._segment_length and (
                self._segment_length + len(framed) > self._segment_bytes
            ):
                self._roll()
            failpoint("journal.before_append")
            files.append_all(self._fd, framed)
            failpoint("journal.after_append")
            files.sync(self._fd)
            failpoint("journal.after_sync")
            self._look_for_a_successor()
        self._segment_length += len(framed)
        self._sequence += 1
        return self._sequence

    def _look_for_a_successor(self) -> None:
        """Raise `Fenced` when anyone fenced or dropped this stream before now (P3).

        Fenced: the successor left `FENCE` before it read.  Dropped: the successor moved the whole
        folder away, fence and all, so that this segment's path is gone or another file's.  The
        fence is looked for first: were it second, a drop could fall between the two looks.
        Anything but a clear answer (`OSError`) is no leave to acknowledge.
        """
        if _stat(self._folder / FENCE) is not None:
            raise Fenced(f"{self._folder} is fenced: another incarnation took over")
        named = _stat(self._segment)
        if named is None or not os.path.samestat(named, self._written):
            raise Fenced(f"{self._folder} is gone: another incarnation removed it, or somebody did")

    def _new_segment(self) -> tuple[Path, int]:
        """Make a durable, empty segment by its path: in a folder that is gone this fails."""
        path = segment_path(self._folder, self._sequence + 1)
        fd = files.create(path)
        try:
            os.fsync(fd)
            files.sync_folder(self._folder)
        except BaseException:
            os.close(fd)
            raise
        return path, fd

    def _roll(self) -> None:
        try:
            path, fd = self._new_segment()
        except FileNotFoundError:
            raise Fenced(
                f"{self._folder} is gone: another incarnation removed it, or somebody did"
            ) from None
        self._older.append((self._segment, self._sequence))
        os.close(self._fd)
        self._segment, self._fd, self._segment_length = path, fd, 0
        self._written = os.fstat(fd)

    def _drop_through(self, sequence: int) -> None:
        if self._over is not None:
            raise self._over.with_traceback(None)
        failpoint("journal.before_drop")
        self._dropped = max(self._dropped, min(sequence, self._sequence))
        if self._dropped == self._sequence and self._segment_length >= ROLL_BYTES_MIN:
            with self._final_unless_it_succeeds("begin a segment in"):
                self._roll()
        with files.unavailable(f"drop old batches of {self._folder}"):
            # The oldest first, each synced: whatever survives a crash runs on without a gap.
            while self._older and self._older[0][1] <= self._dropped:
                files.unlink(self._older[0][0])
                files.sync_folder(self._folder)
                del self._older[0]

    def _close(self) -> None:
        os.close(self._fd)
        if self._over is None and self._dropped == self._sequence:
            with files.unavailable(f"remove {self._folder}"):
                files.remove_folder(self._root, self._folder)

    @contextlib.contextmanager
    def _final_unless_it_succeeds(self, doing: str) -> Iterator[None]:
        try:
            with files.unavailable(f"{doing} {self._folder}"):
                yield
        except StorageError as error:
            self._over = error
            raise
        except BaseException:  # our own bug, or no memory: half a batch may stand there
            self._over = Unavailable(f"an earlier attempt to {doing} {self._folder} went wrong")
            raise


def _stat(path: Path) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except FileNotFoundError:
        return None

"""Journal streams on disk as others than their writer see them: listed, fenced, read, dropped.

`journals/<host>/<incarnation>/<first sequence>.journal` are a stream's segments in order; `FENCE`
beside them closes the stream to its writer, and `SEAL` says which batch is its last.

Why a fence and not a lock: a process can be paused at any instruction and wake up stale, still
holding its lock.  So the successor leaves `FENCE`, durably, *and then* reads; the writer looks for
it *after* each sync and before any reply.  Either the successor reads the batch, or the writer
sees the fence and answers nobody (P3).

Why a seal: a writer that sees the fence has written its batch all the same.  Had one successor read
before it landed and the next one after, the two would tell one user's story differently (P2).  So
the first fence also says, once and for all, which batch is the last.

Not for: writing batches (`disk.stream`).
"""

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from persistence.disk import files
from persistence.errors import Corrupt
from persistence.failpoints import failpoint
from persistence.journal import frame
from persistence.store import Batch, StreamId

JOURNALS = "journals"
FENCE = "FENCE"
SEAL = "SEAL"

_SEGMENT = re.compile(r"[0-9]{20}\.journal")


def folder_of(root: Path, stream: StreamId) -> Path:
    """Where the stream's segments and fence are."""
    return root / JOURNALS / files.file_name(stream.host) / stream.incarnation


def segment_path(folder: Path, first: int) -> Path:
    """The segment that begins with the batch `first`."""
    return folder / f"{first:020}.journal"


def streams(root: Path, host: str | None) -> list[StreamId]:
    """Every stream of `host`, or of all hosts, the oldest first within a host."""
    journals = root / JOURNALS
    hosts = _folders(journals) if host is None else [files.file_name(host)]
    return [
        StreamId(files.original_name(name), incarnation)
        for name in hosts
        for incarnation in _folders(journals / name)
    ]


def fence(root: Path, stream: StreamId) -> None:
    """Leave a durable `FENCE` in the stream's folder, then a durable `SEAL`; one gone needs none.

    Idempotent, and durable also when they stood already: whoever left them may have died half-way.
    """
    folder = folder_of(root, stream)
    try:
        fd = os.open(folder / FENCE, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o640)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
        files.sync_folder(folder)
        if _seal(folder) is None:
            with files.draft(root, frame.encode(_last(folder), b"", frame.SEAL)) as draft:
                files.link_new(draft, folder / SEAL)
        files.sync_folder(folder)
    except FileNotFoundError:
        if folder.exists():
            raise


def fenced(root: Path, stream: StreamId) -> bool:
    """See `Store.fenced`."""
    return (folder_of(root, stream) / FENCE).exists()


def forget_host(root: Path, host: str) -> None:
    """Remove the host's folder, which a crash may have left without a stream in it."""
    folder = root / JOURNALS / files.file_name(host)
    with contextlib.suppress(FileNotFoundError):
        os.rmdir(folder)
        files.sync_folder(folder.parent)


def drop(root: Path, stream: StreamId) -> None:
    """Take the stream's folder away in one step, so that a paused writer finds its path gone."""
    failpoint("journal.before_drop")
    files.remove_folder(root, folder_of(root, stream))


def read(root: Path, stream: StreamId) -> Iterator[list[Batch]]:
    """Yield the stream's batches up to its seal, a segment at a time; one that is gone has none.

    Only the last segment may end in a torn batch: a segment is begun after the one before was
    synced.  Changes nothing on disk.

    A stale writer may add a batch behind a seal that comes while this reads.  So what was read
    counts only up to a seal that stands afterwards; one that comes later still covers all of it.
    """
    folder = folder_of(root, stream)
    with contextlib.ExitStack() as opened:
        seal = _seal(folder)
        segments = _open_segments(folder, opened)
        expected = int(segments[0][0].stem) if segments else 1
        for path, fd in segments:
            if int(path.stem) != expected:
                found = f"a segment that begins here, where batch {expected} was expected"
                raise Corrupt(str(path), 0, found)
            content = _whole(fd)
            batches, valid_length = frame.decode_all(content, str(path), expected)
            if valid_length < len(content) and path != segments[-1][0]:
                raise Corrupt(str(path), valid_length, "a torn batch, with a segment after it")
            expected += len(batches)
            end = _seal(folder) if seal is None else seal
            if end is None and not folder.exists():  # dropped: all that counts is in snapshots
                return
            yield [batch for batch in batches if end is None or batch.sequence <= end]
        if seal is not None and segments and expected <= seal:
            found = f"the end after batch {expected - 1}; it was sealed after batch {seal}"
            raise Corrupt(str(path), valid_length, found)


def _seal(folder: Path) -> int | None:
    path = folder / SEAL
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    return frame.decode_one(content, str(path), frame.SEAL).sequence


def _last(folder: Path) -> int:
    """The sequence of the last whole batch."""
    with contextlib.ExitStack() as opened:
        segments = _open_segments(folder, opened)
        if not segments:
            return 0
        path, fd = segments[-1]
        first = int(path.stem)
        batches, _ = frame.decode_all(_whole(fd), str(path), first)
        return first + len(batches) - 1


def _open_segments(folder: Path, opened: contextlib.ExitStack) -> list[tuple[Path, int]]:
    """Open all segments at once: the writer may be dropping old ones, and so start over."""
    while True:
        held: list[tuple[Path, int]] = []
        with contextlib.ExitStack() as attempt, contextlib.suppress(FileNotFoundError):
            for path in _segments(folder):
                fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                attempt.callback(os.close, fd)
                held.append((path, fd))
            opened.push(attempt.pop_all())
            return held


def _segments(folder: Path) -> list[Path]:
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    return [folder / name for name in sorted(names) if _SEGMENT.fullmatch(name)]


def _whole(fd: int) -> bytes:
    with open(fd, "rb", closefd=False) as file:
        return file.read()


def _folders(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir())
    except FileNotFoundError:
        return []

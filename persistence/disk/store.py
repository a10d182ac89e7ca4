"""The `file://` store: journals and snapshots in folders of one machine's file system.

It survives the death of every process, and power loss as far as the disk keeps what it said it
synced (P1).  It does not survive the loss of the disk.

Nothing is made on disk before the first write: opening and reading leave no trace.

Layout under the root: `STORE` (what this is, with its format), `lock` (`disk.lock`),
`snapshots/` (`disk.snapshots`), `journals/` (`disk.journals`, `disk.stream`), `notes/`, and `tmp/`
and `trash/`, whose contents mean nothing.

Not for: keeping a second server out (`disk.lock`).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from persistence.disk import files, journals, stream
from persistence.disk.snapshots import SNAPSHOTS, Snapshots
from persistence.errors import Corrupt, Unavailable
from persistence.store import Batch, Store, Stored, Stream, StreamId
from persistence.store_format import HEADER_NAME, decode_header, encode_header

NOTES = "notes"

_THREADS = 8  # syncs that run side by side share the file system's own commits
_Result = TypeVar("_Result")


class DiskStore(Store):
    """Implements `Store` under a folder.  Any number of processes may have the same one open."""

    batches_max = users_max = None

    def __init__(self, root: Path, segment_bytes: int = stream.SEGMENT_BYTES) -> None:
        self._root = root.absolute()
        self.url = self._root.as_uri()
        self._segment_bytes = segment_bytes
        self._snapshots = Snapshots(self._root)
        self._format: int | None = None
        self._made = False
        self._closed = False
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="store")

    async def format(self) -> int | None:
        return await self._do("read the format", lambda: self._format)

    async def claim(self, host: str) -> Stream:
        def work() -> Stream:
            self._make()
            return stream.claim(self._root, host, self._segment_bytes)

        return await self._do(f"claim a journal for {host}", work)

    async def streams(self, host: str | None = None) -> list[StreamId]:
        return await self._do("list journals", lambda: journals.streams(self._root, host))

    async def fence(self, stream: StreamId) -> None:
        await self._do(f"fence {stream}", lambda: journals.fence(self._root, stream))

    async def fenced(self, stream: StreamId) -> bool:
        doing = f"look for a fence of {stream}"
        return await self._do(doing, lambda: journals.fenced(self._root, stream))

    async def read(self, stream: StreamId) -> AsyncIterator[Batch]:
        async for batch in self._each(f"read {stream}", journals.read(self._root, stream)):
            yield batch

    async def drop(self, stream: StreamId) -> None:
        await self._do(f"drop {stream}", lambda: journals.drop(self._root, stream))

    async def forget_host(self, host: str) -> None:
        doing = f"forget the host {host}"
        await self._do(doing, lambda: journals.forget_host(self._root, host))

    async def read_snapshot(self, user_id: str) -> Stored | None:
        doing = f"read the snapshot of {user_id}"
        return await self._do(doing, lambda: self._snapshots.read(user_id))

    async def write_snapshot(self, user_id: str, version: int, payload: bytes) -> None:
        def work() -> None:
            self._make()
            self._snapshots.write(user_id, version, payload)

        await self._do(f"write the snapshot of {user_id}", work)

    async def delete_snapshot(self, user_id: str) -> None:
        doing = f"delete the snapshot of {user_id}"
        await self._do(doing, lambda: self._snapshots.delete(user_id))

    async def users(self) -> AsyncIterator[str]:
        async for user_id in self._each("list users", self._snapshots.users()):
            yield user_id

    async def read_note(self, name: str) -> bytes | None:
        return await self._do(f"read the note {name}", lambda: self._note(name))

    async def write_note(self, name: str, content: bytes) -> None:
        def work() -> None:
            self._make()
            place = self._root / NOTES / files.file_name(name)
            files.make_folder(place.parent)
            with files.draft(self._root, content) as draft:
                files.link_new(draft, place)
            files.sync_folder(place.parent)
            if self._note(name) != content:
                raise Unavailable(f"something else stands in {place}")

        await self._do(f"write the note {name}", work)

    async def close(self) -> None:
        self._closed = True
        self._threads.shutdown(wait=False)

    async def _do(self, doing: str, work: Callable[[], _Result]) -> _Result:
        def guarded() -> _Result:
            with files.unavailable(f"{doing} in {self._root}"):
                self._recognise()
                return work()

        if self._closed:
            raise Unavailable(f"{self.url} was closed")
        return await asyncio.get_running_loop().run_in_executor(self._threads, guarded)

    async def _each(self, doing: str, portions: Iterator[list[_Result]]) -> AsyncIterator[_Result]:
        while (portion := await self._do(doing, lambda: next(portions, None))) is not None:
            for item in portion:
                yield item

    def _recognise(self) -> None:
        """Refuse a store of a newer format by name (P9).  One with nothing in it is fine."""
        if self._format is not None:
            return
        place = self._root / HEADER_NAME
        content = self._header()
        if content is None:
            # It is the first thing made in a store, and durable before anything else is: where
            # something else stands, it stands too, though another process may have made both
            # since we looked.
            made = [name for name in (journals.JOURNALS, SNAPSHOTS) if (self._root / name).exists()]
            if not made:
                return
            content = self._header()
            if content is None:
                raise Corrupt(str(place), 0, f"nothing, though {made[0]}/ stands there")
        self._format = decode_header(content, str(place))

    def _header(self) -> bytes | None:
        try:
            return (self._root / HEADER_NAME).read_bytes()
        except FileNotFoundError:
            return None

    def _note(self, name: str) -> bytes | None:
        try:
            return (self._root / NOTES / files.file_name(name)).read_bytes()
        except FileNotFoundError:
            return None

    def _make(self) -> None:
        """Make the root and the header durable before the first thing is written."""
        if self._made:
            return
        files.make_root(self._root)
        if self._format is None:
            with files.draft(self._root, encode_header()) as draft:
                files.link_new(draft, self._root / HEADER_NAME)
        files.sync_folder(self._root)
        self._made = True

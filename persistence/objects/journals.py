"""Journal streams in a bucket as others than their writer see them: listed, fenced, read, dropped.

Batch n is the object named n, written only if none stands there.  A fence is an object under a
number too, so that for every number there is one winner: the writer, or whoever takes over (P3).
The writer counts up one by one and stops at the first number it does not get; so the lowest fence
is the end of the stream, and it must stand for ever: a process paused for a year wakes up and tries
that very number.  With the mark below it is two objects of 64 bytes for every takeover, outside of
what `streams` lists.

Numbers are given free again when batches are dropped, and a fence on a freed number closes nothing.
Therefore `.dropped` is written before any batch is deleted, and a fence counts only when a listing
made after it was seen shows it above what is dropped.  The mark stays with the fence: a try that
was given up long ago may still arrive under a freed number, and below the mark nobody minds.

A listing is not of one moment, but it goes up through the names, and `.dropped` only moves up: a
reader that passes a place before the mark moves meets the mark further on.

Not for: writing batches (`objects.stream`).
"""

import asyncio
import contextlib
import itertools
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass

from persistence.errors import Corrupt, Unavailable
from persistence.failpoints import failpoint
from persistence.journal import frame
from persistence.objects import envelope, names
from persistence.objects.envelope import Content
from persistence.objects.retries import Calls
from persistence.progress_log import ProgressLog
from persistence.store import Batch, StreamId

_ROUNDS_MAX = 12
_FENCES_AT_ONCE_MAX = 64
_READINGS_MAX = 100

READS_AT_ONCE = 128
"""Batches fetched ahead of the reader: hides the wait for each."""

READ_AHEAD_BYTES = 128 * 1024 * 1024
"""What batches fetched ahead may take in memory, judged by the largest so far."""

_READS_AT_ONCE_FIRST = 16  # until it is known how large they are


@dataclass(frozen=True)
class _Listing:
    """A journal's names from the number `begin` on, all before which are known to be taken.

    Every batch through `dropped` is covered, and `numbers` are taken above it.
    """

    names: list[str]
    dropped: int
    numbers: list[int]
    begin: int

    @property
    def end(self) -> int:
        """The last number before the first one that is free."""
        end = max(self.dropped, self.begin - 1)
        for number in self.numbers:
            if number != end + 1:
                break
            end = number
        return end


class Journals:
    """The journals of one opening of the store."""

    def __init__(self, calls: Calls, writer: bytes) -> None:
        self._calls = calls
        self._writer = writer

    async def streams(self, host: str | None) -> list[StreamId]:
        """See `Store.streams`: one LIST."""
        folder = names.STREAMS if host is None else names.standing_of(host)
        listed = await self._calls.names(folder)
        return sorted(names.stream_standing(name) for name in listed)

    async def fence(self, stream: StreamId) -> None:
        """See `Store.fence`.  A busy writer is overtaken: each loss doubles the numbers claimed."""
        fence, at_once, begin = 0, 1, 1
        for _ in range(_ROUNDS_MAX):
            # After the fence was seen: on a number given free before this, it closes nothing.
            listing = await self._list(stream, begin)
            begin = max(listing.end, 1)
            if listing.dropped < fence or not (listing.names or await self._stands(stream)):
                return
            if listing.end in listing.numbers and await self._is_fence(stream, listing.end):
                fence = listing.end
                continue
            numbers = range(listing.end + 1, listing.end + 1 + at_once)
            closed = await asyncio.gather(*(self._close(stream, number) for number in numbers))
            fence = min(itertools.compress(numbers, closed), default=0)
            at_once = min(2 * at_once, _FENCES_AT_ONCE_MAX)
        raise Unavailable(
            f"{stream} in {self._calls.url} could not be fenced: its writer is faster"
        )

    async def fenced(self, stream: StreamId) -> bool:
        """See `Store.fenced`."""
        listing = await self._list(stream)
        return listing.end in listing.numbers and await self._is_fence(stream, listing.end)

    async def read(self, stream: StreamId) -> AsyncIterator[Batch]:
        """See `Store.read`.  Damage is a batch that is missing, flawed or behind the fence.

        A batch that is missing because its writer or another successor dropped it meanwhile is
        none: `.dropped` or the end of the whole stream stood before the batch went.
        """
        reached, missing = 0, 0
        for _ in range(_READINGS_MAX):
            listing = await self._list(stream, reached + 1)
            reached = max(reached, listing.dropped)
            if reached < missing and missing not in listing.numbers:
                place = f"{self._calls.url}/{names.numbered(stream, missing)}"
                raise Corrupt(place, 0, "nothing, though the stream goes on behind it")
            ahead = [number for number in listing.numbers if number > reached]
            missing = 0
            progress = ProgressLog("still reading", journal="/".join(stream), store=self._calls.url)
            async with contextlib.aclosing(self._contents(stream, ahead)) as contents:
                async for number, content in contents:
                    if content is None or number != reached + 1:
                        missing = reached + 1
                        break
                    if content.kind == frame.SEAL:
                        if (await self._list(stream, number)).dropped >= number:
                            missing = number
                            break
                        await self._refuse_batches(stream, ahead, number)
                        return
                    reached = number
                    progress.report(number - ahead[0] + 1, len(ahead))
                    yield Batch(number, content.payload)
            if not missing or not await self._stands(stream):
                return
        raise Unavailable(f"{stream} in {self._calls.url} lists batches that are not there")

    async def drop(self, stream: StreamId) -> None:
        """See `Store.drop`.  Fence and mark stay, for what arrives late.

        In this order a crash anywhere leaves a stream that reads right and is dropped again.
        """
        failpoint("journal.before_drop")
        listing = await self._list(stream)
        if not listing.numbers:
            return
        fence = await self._lowest_fence(stream, listing.numbers)
        if fence is None:
            raise ValueError(f"{stream} is dropped before it is fenced")
        if listing.dropped < fence - 1:
            await self.mark_dropped(stream, fence - 1)
        mark = names.dropped(stream, fence - 1)
        await self._calls.delete([name for name in listing.names if name < mark])
        await self._calls.delete([names.standing(stream)])

    async def forget_host(self, host: str) -> None:
        """See `Store.forget_host`."""
        for folder in (names.journals_of(host), names.standing_of(host)):
            await self._calls.delete(await self._calls.names(folder))

    async def mark_dropped(self, stream: StreamId, sequence: int) -> None:
        """Say durably that snapshots cover every batch through `sequence`."""
        content = envelope.encode(frame.SEAL, sequence, b"", self._writer)
        await self._calls.create(names.dropped(stream, sequence), content)

    async def _list(self, stream: StreamId, begin: int = 1) -> _Listing:
        """What is there now from the number `begin` on; all numbers before are known to be taken.

        A mark below `begin` is not seen, and need not be: it says nothing of what is above it.
        """
        after = names.dropped(stream, begin - 1) if begin > 1 else ""
        listed = await self._calls.names(names.journal(stream), after)
        parsed = [number for name in listed if (number := names.number(name)) is not None]
        dropped = max((number for number, is_mark in parsed if is_mark), default=0)
        numbers = sorted(number for number, is_mark in parsed if not is_mark and number > dropped)
        return _Listing(listed, dropped, numbers, begin)

    async def _stands(self, stream: StreamId) -> bool:
        return await self._calls.get(names.standing(stream)) is not None

    async def _close(self, stream: StreamId, number: int) -> bool:
        """Put a fence under `number`; whether one, ours or another's, stands there then."""
        name = names.numbered(stream, number)
        content = envelope.encode(frame.SEAL, number, b"", self._writer)
        winner = await self._calls.create(name, content)
        place = f"{self._calls.url}/{name}"
        return envelope.decode_numbered(winner, place, number).kind == frame.SEAL

    async def _is_fence(self, stream: StreamId, number: int) -> bool:
        content = await self._content(stream, number)
        return content is not None and content.kind == frame.SEAL

    async def _lowest_fence(self, stream: StreamId, numbers: list[int]) -> int | None:
        lowest = None
        for number in reversed(numbers):
            content = await self._content(stream, number)
            if content is not None and content.kind != frame.SEAL:
                break
            lowest = lowest if content is None else number
        return lowest

    async def _refuse_batches(self, stream: StreamId, numbers: list[int], fence: int) -> None:
        for number in numbers:
            if number > fence:
                content = await self._content(stream, number)
                if content is not None and content.kind != frame.SEAL:
                    place = f"{self._calls.url}/{names.numbered(stream, number)}"
                    raise Corrupt(place, 0, f"a batch behind the fence at {fence}")

    async def _content(self, stream: StreamId, number: int) -> Content | None:
        name = names.numbered(stream, number)
        stored = await self._calls.get(name)
        if stored is None:
            return None
        return envelope.decode_numbered(stored.content, f"{self._calls.url}/{name}", number)

    async def _contents(
        self, stream: StreamId, numbers: list[int]
    ) -> AsyncGenerator[tuple[int, Content | None], None]:
        """The objects in order, some of them fetched ahead."""
        ahead: deque[tuple[int, asyncio.Task[Content | None]]] = deque()
        left, at_once, largest = iter(numbers), _READS_AT_ONCE_FIRST, 1
        try:
            while True:
                for number in itertools.islice(left, max(at_once - len(ahead), 0)):
                    ahead.append((number, asyncio.create_task(self._content(stream, number))))
                if not ahead:
                    return
                number, task = ahead[0]
                content = await task
                ahead.popleft()
                largest = max(largest, len(content.payload) if content else 0)
                at_once = max(1, min(READS_AT_ONCE, READ_AHEAD_BYTES // largest))
                yield number, content
        finally:
            for _, task in ahead:
                task.cancel()
            await asyncio.gather(*(task for _, task in ahead), return_exceptions=True)

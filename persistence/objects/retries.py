"""Calls on a bucket, tried again while that can help, until our own deadline.

Why trying a write again is no breach of P8: the same bytes go under the same name, only if nothing
is there.  However many of the tries arrive, and however late, at most one takes effect, and what is
there afterwards says whose it is, for each content carries an id of this one write.  A file cannot
be asked that; an object can.

So no answer to a conditional write is believed but success: after "exists already", a timeout or a
refusal the object is read back.  When that cannot be had in time either, the write is *unknown*:
`Unavailable`.

The deadline is for one request that can be tried again by itself: a page of a listing, a portion of
a deletion.  What is done stays done, so however many objects there are, each call gets through.

Not for: what the objects mean (`objects.journals`, `objects.snapshots`).
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from persistence.errors import Unavailable
from persistence.objects.bucket import Bucket, BucketError, BucketObject, ConditionFailed
from persistence.objects.names import is_ours
from persistence.progress_log import ProgressLog

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Retrying:
    """When to give up on one request, and how long to pause before the next try.

    `pause` and `dice` are there for tests, which wait for no clock and repeat what chance did.
    """

    deadline_seconds: float = 10
    tries_max: int = 8
    pause_seconds_first: float = 0.05
    pause_seconds_max: float = 1
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    dice: random.Random = field(default_factory=random.Random)


class Calls:
    """One opening's calls on a bucket.  Every method raises `Unavailable`."""

    def __init__(self, bucket: Bucket, retrying: Retrying) -> None:
        self.url = bucket.url
        self.bucket = bucket
        self._retrying = retrying
        self.closed = False
        self.doubtful_writes = 0  # creations tried more than once: the first may yet arrive

    async def get(self, name: str) -> BucketObject | None:
        """The object, or None where the store says that there is none."""
        return await self.repeat(f"read {name}", lambda: self.bucket.get(name))

    async def create(self, name: str, content: bytes) -> bytes:
        """Return what is under `name` from now on: `content`, or what another put there first.

        The caller compares.
        """

        async def attempt() -> bytes:
            cause = "the store said that something is there, and then that nothing is"
            try:
                await self.bucket.create(name, content)
            except ConditionFailed:
                pass
            except BucketError as error:
                self.doubtful_writes += 1
                if not error.passing:
                    raise
                cause = str(error)
            else:
                return content
            winner = await self.bucket.get(name)
            if winner is None:
                raise BucketError(f"it was not written: {cause}", passing=True)
            return winner.content

        return await self.repeat(f"write {name}", attempt)

    async def names(self, folder: str, after: str = "") -> list[str]:
        """Every name under `folder` behind `after`, ascending."""
        return [name async for page in self.pages(folder, after) for name in page]

    async def pages(self, folder: str, after: str = "") -> AsyncIterator[Sequence[str]]:
        """The names under `folder` behind `after`, ascending, page by page.

        A page that failed is asked for again, not those before it.  What others wrote is left out.
        """
        listing: AsyncIterator[Sequence[str]] | None = None
        progress, listed = ProgressLog("still listing", folder=folder, store=self.url), 0

        async def next_page() -> Sequence[str] | None:
            nonlocal listing
            listing = listing or self.bucket.names(folder, after)
            try:
                return await anext(listing, None)
            except BaseException:
                listing = None
                raise

        while (page := await self.repeat(f"list {folder}", next_page)) is not None:
            if page:
                after, listed = page[-1], listed + len(page)
                progress.report(listed)
                yield [name for name in page if is_ours(name)]

    async def delete(self, names: list[str]) -> None:
        """Remove the objects, in no particular order, and take off the list what is removed.

        So whoever keeps the list goes on where a failure ended it.  Deleting twice is deleting
        once.
        """
        total = len(names)
        progress = ProgressLog("still deleting", store=self.url)
        while names:
            portion = names[-self.bucket.delete_max :]
            doing = f"delete {len(portion)} objects such as {portion[0]}"
            await self.repeat(doing, partial(self.bucket.delete, portion))
            del names[-len(portion) :]
            progress.report(total - len(names), total)

    async def repeat(self, doing: str, attempt: Callable[[], Awaitable[_Result]]) -> _Result:
        """Return `attempt`'s result; after a passing `BucketError` try again, ever more slowly."""
        if self.closed:
            raise Unavailable(f"{self.url} was closed")
        retrying = self._retrying
        pause, last = retrying.pause_seconds_first, "no answer"
        try:
            async with asyncio.timeout(retrying.deadline_seconds):
                for _ in range(retrying.tries_max):
                    try:
                        return await attempt()
                    except BucketError as error:
                        last = str(error)
                        if not error.passing:
                            break
                    await retrying.pause(pause * retrying.dice.uniform(0.5, 1))
                    pause = min(2 * pause, retrying.pause_seconds_max)
        except TimeoutError:
            last = f"{last}, within {retrying.deadline_seconds:g} s"
        raise Unavailable(f"could not {doing} in {self.url}: {last}")

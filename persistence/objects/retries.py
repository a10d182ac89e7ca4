"""Calls on a bucket, tried again while that can help, until our own deadline.

Why trying a write again is no breach of P8: the same bytes go under the same name, only if nothing
stands there.  However many of the tries arrive, and however late, at most one takes effect, and
what stands afterwards says whose it is, for each content carries an id of this one write.  A file
cannot be asked that; an object can.

So no answer to a conditional write is believed but success: after "exists already", a timeout or a
refusal the object is read back.  When that cannot be had in time either, the write is *unknown*:
`Unavailable`.

Not for: what the objects mean (`objects.journals`, `objects.snapshots`).
"""

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from persistence.errors import Unavailable
from persistence.objects.bucket import Bucket, BucketError, ConditionFailed, Found

_Result = TypeVar("_Result")
Pause = Callable[[float], Awaitable[None]]


@dataclass(frozen=True)
class Patience:
    """When to give up on one call, whatever comes first."""

    deadline_seconds: float = 10
    tries_max: int = 8
    pause_seconds_first: float = 0.05
    pause_seconds_max: float = 1


class Calls:
    """One opening's calls on a bucket.  Every method raises `Unavailable`."""

    def __init__(
        self,
        bucket: Bucket,
        patience: Patience,
        pause: Pause = asyncio.sleep,
        dice: random.Random | None = None,
    ) -> None:
        self.url = bucket.url
        self.bucket = bucket
        self._patience = patience
        self._pause = pause
        self._dice = random.Random(secrets.randbits(64)) if dice is None else dice
        self.closed = False
        self.doubtful_writes = 0  # creations tried more than once: the first may yet arrive

    async def get(self, name: str) -> Found | None:
        """The object, or None where none stands."""
        return await self.repeat(f"read {name}", lambda: self.bucket.get(name))

    async def create(self, name: str, content: bytes) -> bytes:
        """Return what stands under `name` from now on: `content`, or what another put there first.

        The caller compares.
        """

        async def attempt() -> bytes:
            try:
                await self.bucket.create(name, content)
            except ConditionFailed:
                pass
            except BucketError as error:
                self.doubtful_writes += 1
                if not error.passing:
                    raise
            else:
                return content
            found = await self.bucket.get(name)
            if found is None:
                raise BucketError("it was not written", passing=True)
            return found.content

        return await self.repeat(f"write {name}", attempt)

    async def names(self, folder: str) -> list[str]:
        """Every name under `folder`, ascending."""

        async def attempt() -> list[str]:
            return [name async for page in self.bucket.names(folder, "") for name in page]

        return await self.repeat(f"list {folder}", attempt)

    async def pages(self, folder: str) -> AsyncIterator[Sequence[str]]:
        """The same page by page, with no deadline for the whole; goes on where a page failed."""
        self._check_open()
        after, failures = "", 0
        while True:
            try:
                async for page in self.bucket.names(folder, after):
                    if page:
                        yield page
                        after, failures = page[-1], 0
                return
            except BucketError as error:
                failures += 1
                if not error.passing or failures == self._patience.tries_max:
                    raise Unavailable(f"could not list {folder} in {self.url}: {error}") from None
                await self._pause(self._patience.pause_seconds_first * failures)

    async def delete(self, names: Sequence[str]) -> None:
        """Remove the objects, in no particular order.  Deleting twice is deleting once."""
        if names:
            await self.repeat(f"delete {names[0]}", lambda: self.bucket.delete(names))

    async def repeat(self, doing: str, attempt: Callable[[], Awaitable[_Result]]) -> _Result:
        """Return `attempt`'s result; after a passing `BucketError` try again, ever more slowly."""
        self._check_open()
        pause, last = self._patience.pause_seconds_first, "no answer"
        try:
            async with asyncio.timeout(self._patience.deadline_seconds):
                for _ in range(self._patience.tries_max):
                    try:
                        return await attempt()
                    except BucketError as error:
                        last = str(error)
                        if not error.passing:
                            break
                    await self._pause(pause * self._dice.uniform(0.5, 1))
                    pause = min(2 * pause, self._patience.pause_seconds_max)
        except TimeoutError:
            last = f"{last}, within {self._patience.deadline_seconds} s"
        raise Unavailable(f"could not {doing} in {self.url}: {last}")

    def _check_open(self) -> None:
        if self.closed:
            raise Unavailable(f"{self.url} was closed")

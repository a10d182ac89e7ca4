"""A bucket over HTTP whose answers go wrong now and then, as those of real object stores do.

Not for: races, which need a server that is exact (`tests.faulty_object_store_kit`).
"""

import random
from collections.abc import AsyncIterator, Sequence

from persistence.objects.bucket import Bucket, BucketError, BucketObject, ConditionFailed, Tag


class FlakyBucket(Bucket):
    """Implements `Bucket` over another: refused, done but not told, done and told as a conflict."""

    def __init__(self, bucket: Bucket, rate: float, dice: random.Random) -> None:
        self.url = bucket.url
        self.delete_max = bucket.delete_max
        self._bucket = bucket
        self._rate = rate
        self._dice = dice

    async def get(self, name: str) -> BucketObject | None:
        self._perhaps_refuse()
        return await self._bucket.get(name)

    async def create(self, name: str, content: bytes) -> None:
        self._perhaps_refuse()
        await self._bucket.create(name, content)
        self._perhaps_deny(name)

    async def replace(self, name: str, content: bytes, tag: Tag) -> None:
        self._perhaps_refuse()
        await self._bucket.replace(name, content, tag)
        self._perhaps_deny(name)

    async def names(self, folder: str, after: str) -> AsyncIterator[Sequence[str]]:
        self._perhaps_refuse()
        async for page in self._bucket.names(folder, after):
            yield page

    async def delete(self, names: Sequence[str]) -> None:
        self._perhaps_refuse()
        await self._bucket.delete(names)

    def _perhaps_refuse(self) -> None:
        if self._dice.random() < self._rate / 2:
            raise BucketError("503, on request", passing=True)

    def _perhaps_deny(self, name: str) -> None:
        """It was done; the caller hears otherwise."""
        if self._dice.random() < self._rate / 2:
            if self._dice.random() < 0.5:
                raise BucketError("timed out, on request", passing=True)
            raise ConditionFailed(f"{name} exists already, on request")

"""The few calls that the object store rests on, and what each may be believed for.

`obstore_bucket` makes them over the network; the tests have a bucket that fails on request.

Not for: trying again (`retries`) or what the objects mean (`objects.journals`,
`objects.snapshots`).
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import NamedTuple, Protocol

Tag = Mapping[str, str]
"""What a bucket calls this very content of an object: opaque, for `Bucket.replace`."""


class BucketObject(NamedTuple):
    """An object as it stood at one moment."""

    content: bytes
    tag: Tag


class BucketError(Exception):
    """The bucket refused or did not answer.  A write may have been done all the same.

    `passing` says that another try may go better.
    """

    def __init__(self, message: str, *, passing: bool) -> None:
        super().__init__(message)
        self.passing = passing


class ConditionFailed(Exception):
    """The bucket says that the condition of a write did not hold.

    No proof that another writer was first: a request that was sent again, by the client or on its
    way, meets its own earlier success.
    """


class Bucket(Protocol):
    """Objects by name, under one prefix.  Reads and lists show every write that was answered."""

    url: str
    delete_max: int
    """How many names `delete` takes at once."""

    async def get(self, name: str) -> BucketObject | None:
        """The object as it is now; None only where the store itself says that there is none.

        Raises `BucketError`, also for a "not found" that anything else may have said.
        """
        ...

    async def create(self, name: str, content: bytes) -> None:
        """Write the object unless one stands. Raises `ConditionFailed`, `BucketError`."""
        ...

    async def replace(self, name: str, content: bytes, tag: Tag) -> None:
        """Write the object if it still is `tag`. Raises `ConditionFailed`, `BucketError`."""
        ...

    def names(self, folder: str, after: str) -> AsyncIterator[Sequence[str]]:
        """Yield the names under `folder` behind `after`, ascending, page by page.

        A page may be empty.  Raises `BucketError`; then the listing is over.
        """
        ...

    async def delete(self, names: Sequence[str]) -> None:
        """Remove up to `delete_max` objects, in no particular order; one that is gone is fine.

        Raises `BucketError`: some may be gone.
        """
        ...

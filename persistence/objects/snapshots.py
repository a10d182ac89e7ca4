"""User snapshots in a bucket: one object for each user, replaced only as it was last seen.

A write reads the object, gives way to a version that is as high, and else replaces exactly what it
read, by its tag.  Whatever came between makes the condition fail, so a late write of a stale host
loses by the condition (P6).  Its own earlier success it recognises by reading again.

Why not one object for each version, as on disk, where the highest name wins: a user is read at
every activation, and one GET is half the wait and a twelfth of the price of a LIST and a GET.  What
it costs: a bucket must honour the condition on replacing as well, and `objects.probe` refuses one
that does not; and Google takes about one write a second for one name, more than a user has
snapshots: one that comes sooner is tried again until it is taken.

Not for: the meaning of a snapshot's bytes (`codec`).
"""

from collections.abc import AsyncIterator

from persistence.failpoints import failpoint
from persistence.journal import frame
from persistence.objects import envelope, names
from persistence.objects.bucket import ConditionFailed
from persistence.objects.envelope import Content
from persistence.objects.retries import Calls
from persistence.store import Stored


class Snapshots:
    """The snapshots of one opening of the store."""

    def __init__(self, calls: Calls, writer: bytes) -> None:
        self._calls = calls
        self._writer = writer

    async def read(self, user_id: str) -> Stored | None:
        """See `Store.read_snapshot`: one GET."""
        name = names.snapshot(user_id)
        stored = await self._calls.get(name)
        if stored is None:
            return None
        content = self._decode(name, stored.content)
        return Stored(content.sequence, content.payload)

    async def write(self, user_id: str, version: int, payload: bytes) -> None:
        """See `Store.write_snapshot`: a GET and a PUT."""
        name = names.snapshot(user_id)
        content = envelope.encode(frame.SNAPSHOT, version, payload, self._writer)
        failpoint("snapshot.before_write")

        async def attempt() -> None:
            # Each turn another writer was quicker, and versions only rise: it ends.
            while not await self._replace(name, version, content):
                pass

        await self._calls.repeat(f"write {name}", attempt)

    async def _replace(self, name: str, version: int, content: bytes) -> bool:
        """Whether `version` or a higher one stands now; if not, what was seen has changed."""
        stored = await self._calls.bucket.get(name)
        if stored is not None and self._decode(name, stored.content).sequence >= version:
            return True
        try:
            if stored is None:
                await self._calls.bucket.create(name, content)
            else:
                await self._calls.bucket.replace(name, content, stored.tag)
        except ConditionFailed:
            return False
        return True

    async def delete(self, user_id: str) -> None:
        await self._calls.delete([names.snapshot(user_id)])

    async def users(self) -> AsyncIterator[str]:
        """See `Store.users`: one LIST for every thousand users."""
        async for page in self._calls.pages(names.SNAPSHOTS):
            for name in page:
                yield names.user_of(name)

    def _decode(self, name: str, content: bytes) -> Content:
        return envelope.decode(content, f"{self._calls.url}/{name}", frame.SNAPSHOT)

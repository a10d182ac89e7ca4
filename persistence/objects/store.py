"""The `s3://`, `gs://` and `az://` stores: journals and snapshots as objects in a bucket.

It survives the loss of every node (P1).  Nothing rests on clocks or locks: the bucket's conditional
writes decide between two hosts (P3) and between two snapshots (P6), and its listings show every
write that was answered.  `probe` refuses a bucket that does not keep the conditions.

Layout under the prefix: `objects.names`.  One request at a time and some 30 ms each, a stream is
fast all the same, for `group_commit` puts everything decided meanwhile into the next batch.

Not for: Amazon's directory buckets (S3 Express), which list names in no order.
"""

from collections.abc import AsyncIterator

from persistence.errors import Unavailable
from persistence.objects import envelope, names, probe, stream
from persistence.objects.bucket import Bucket
from persistence.objects.journals import Journals
from persistence.objects.retries import Calls, Retrying
from persistence.objects.snapshots import Snapshots
from persistence.store import Batch, Store, Stored, Stream, StreamId


class ObjectStore(Store):
    """Implements `Store` over a bucket.  Any number of processes may have the same one open."""

    batches_max = 2_000  # read back in half a second at 30 ms a request, removed in two requests
    users_max = 1_000  # written in another half

    def __init__(self, bucket: Bucket, retrying: Retrying | None = None) -> None:
        """`retrying` is for tests: theirs waits for no clock."""
        self.url = bucket.url
        self._calls = Calls(bucket, retrying or Retrying())
        self._writer = envelope.new_writer()
        self._journals = Journals(self._calls, self._writer)
        self._snapshots = Snapshots(self._calls, self._writer)

    async def probe(self) -> None:
        """Make sure, before the first user is served, that the bucket keeps its conditions.

        Raises:
            UnfitStore: it does not; do not serve from it.
            NewerFormat, Corrupt, Unavailable: as everywhere.
        """
        await probe.probe(self._calls)

    async def format(self) -> int | None:
        return await probe.format_found(self._calls)

    async def claim(self, host: str) -> Stream:
        return await stream.claim(self._calls, self._journals, host, self._writer)

    async def streams(self, host: str | None = None) -> list[StreamId]:
        return await self._journals.streams(host)

    async def fence(self, stream: StreamId) -> None:
        await self._journals.fence(stream)

    async def fenced(self, stream: StreamId) -> bool:
        return await self._journals.fenced(stream)

    def read(self, stream: StreamId) -> AsyncIterator[Batch]:
        return self._journals.read(stream)

    async def drop(self, stream: StreamId) -> None:
        await self._journals.drop(stream)

    async def forget_host(self, host: str) -> None:
        await self._journals.forget_host(host)

    async def read_snapshot(self, user_id: str) -> Stored | None:
        return await self._snapshots.read(user_id)

    async def write_snapshot(self, user_id: str, version: int, payload: bytes) -> None:
        await self._snapshots.write(user_id, version, payload)

    async def delete_snapshot(self, user_id: str) -> None:
        await self._snapshots.delete(user_id)

    def users(self) -> AsyncIterator[str]:
        return self._snapshots.users()

    async def read_note(self, name: str) -> bytes | None:
        note = await self._calls.get(names.note(name))
        return note.content if note else None

    async def write_note(self, name: str, content: bytes) -> None:
        if await self._calls.create(names.note(name), content) != content:
            raise Unavailable(f"something else stands under {names.note(name)} in {self.url}")

    async def close(self) -> None:
        self._calls.closed = True

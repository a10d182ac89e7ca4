"""What is stored, readably: the store as a whole, or one user.  Reads only; fine while serving.

Not for: finding damage (`verification`).
"""

from msgspec import Struct

from persistence.codec.records import decode_record
from persistence.codec.snapshots import Rows, decode_snapshot, rows_of
from persistence.errors import Corrupt, NewerFormat
from persistence.journal.group_commit import unpack_batch
from persistence.journal.recovery import place_of
from persistence.maintenance.manifest import Manifest, NotABackup, read_manifest
from persistence.maintenance.user_history import pages_before
from persistence.maintenance.user_views import (
    OnProgress,
    no_progress,
    read_current_user,
    unfolded_records,
    user_ids,
)
from persistence.store import Store, StreamId


class StreamInspection(Struct, frozen=True):
    """One journal.  `damage` says where reading it ended early."""

    host: str
    incarnation: str
    fenced: bool
    batches: int
    records: int
    bytes: int
    users: int
    damage: str | None


class StoreInspection(Struct, frozen=True):
    """A store in a few numbers.  `users` counts snapshots, when it was asked for."""

    url: str
    format: int | None
    streams: list[StreamInspection]
    users: int | None
    backup: Manifest | None


class Waiting(Struct, frozen=True):
    """A journalled turn that no snapshot holds yet."""

    version: int
    command_id: str
    place: str


class ReceiptSummary(Struct, frozen=True):
    """A command whose answer is remembered."""

    command_id: str
    version: int


class UserInspection(Struct, frozen=True):
    """One user as a server would serve them: the snapshot with what waits in journals behind it.

    `snapshot_version` is 0 where there is no snapshot; `account_pages` stand before `rows.history`.
    """

    user_id: str
    version: int
    snapshot_version: int
    snapshot_bytes: int
    waiting: list[Waiting]
    account_pages: int
    rows: Rows
    receipts: list[ReceiptSummary]


async def inspect_store(
    store: Store, *, users: bool, on_progress: OnProgress = no_progress
) -> StoreInspection:
    """The store in numbers; counting `users` lists them all.

    Raises:
        Corrupt, NewerFormat, Unavailable: as the store raises them.
    """
    number = await store.format()
    streams = [await _stream(store, stream, on_progress) for stream in await store.streams()]
    count = None
    if users:
        count = 0
        async for _ in user_ids(store, ()):
            count += 1
            on_progress()
    try:
        manifest = await read_manifest(store)
    except NotABackup:
        manifest = None
    return StoreInspection(store.url, number, streams, count, manifest)


async def _stream(store: Store, stream: StreamId, on_progress: OnProgress) -> StreamInspection:
    batches = records = size = 0
    users, damage = set[str](), None
    try:
        async for batch in store.read(stream):
            where = place_of(stream, batch)
            batches, size = batches + 1, size + len(batch.payload)
            for entry in unpack_batch(batch.payload, where):
                users.add(decode_record(entry, where).user_id)
                records += 1
            on_progress()
    except (Corrupt, NewerFormat) as error:
        damage = str(error)
    fenced = await store.fenced(stream)
    return StreamInspection(*stream, fenced, batches, records, size, len(users), damage)


async def inspect_user(store: Store, user_id: str) -> UserInspection | None:
    """The user, or None for nobody.

    Raises:
        Corrupt, NewerFormat, Unavailable: as the store raises them.
    """
    await store.format()
    journals = await unfolded_records(store, {user_id})
    user = await read_current_user(store, user_id, journals)
    if user is None:
        return None
    stored = await store.read_snapshot(user_id)
    version = 0
    if stored is not None:
        version = decode_snapshot(stored.payload, f"snapshot of {user_id}").state.version
    records = sorted(journals.get(user_id, ()), key=lambda located: located[1].version)
    waiting = [
        Waiting(record.version, record.command_id, place)
        for place, record in records
        if record.version > version
    ]
    return UserInspection(
        user_id,
        user.state.version,
        version,
        len(stored.payload) if stored else 0,
        waiting,
        len(pages_before(user)),
        rows_of(user.state),
        [ReceiptSummary(receipt.command_id, receipt.version) for receipt in user.receipts],
    )

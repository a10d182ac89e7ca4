"""Recovery: what dead hosts journalled becomes part of their users' snapshots (P7).

Rows are put, no rule is run: whatever the rules have become since, the past stays as it was told.
Which stream a record stands in does not matter, only its user and version do; so it works for
streams of any placement, in any order.

Not for: deciding when (`actors.host` does before it serves, `actors.cluster.ray_runtime` for what
a former placement left).
"""

import contextlib
import sys
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from domain.state.receipts import Receipt
from domain.state.user_state import UserState
from persistence.codec.records import Record, decode_changes, decode_record
from persistence.codec.snapshots import Snapshot, decode_snapshot, encode_snapshot
from persistence.concurrency import for_each
from persistence.eras import store_era
from persistence.errors import Corrupt, Fenced, StorageError, Unavailable
from persistence.failpoints import failpoint
from persistence.journal.group_commit import unpack_batch
from persistence.progress_log import ProgressLog
from persistence.store import Batch, Store, Stored, Stream, StreamId

SNAPSHOTS_AT_ONCE = 256
"""Snapshots written side by side: hides the wait for a sync or a PUT."""

STREAMS_AT_ONCE = 4
"""Streams read side by side, of different hosts or of one that died several times: as many reads
of each ahead as the store does at once, each with a connection of its own."""

EVERY_RECEIPT = sys.maxsize
"""The receipt window of tools, which do not know the server's: none is forgotten by them."""

SERVER = "server"
"""Whose stream stands for the server as a whole; nothing is ever appended to it."""

LocatedRecord = tuple[str, Record]
"""A record and where it stood, for messages."""


class Folded(Struct, frozen=True):
    """How many streams a fold dropped, the records and users in them, and how long it took."""

    streams: int
    records: int
    users: int
    seconds: float


async def fold(
    store: Store,
    streams: Sequence[StreamId],
    receipt_window: int,
    without: Collection[str] = (),
) -> Folded:
    """Close `streams` to their writers, put their records into snapshots, then drop them.

    Records of users in `without` are dropped with their streams: those users are being deleted, or
    what is stored of them is damaged and given up.

    Until it returns nothing is lost: a fold that dies half-way is done again from the start, and
    records that a snapshot holds already, by its receipts, are passed over.

    Raises:
        Corrupt: a damaged batch, a user's versions with a gap or with two different records for
            one version (P2, P3), or a record that the snapshot should hold and does not.  Nothing
            is dropped then.
        NewerFormat, Unavailable: as the store raises them.
    """
    began = time.monotonic()
    failpoint("recovery.begun")
    of_stream: dict[StreamId, list[LocatedRecord]] = {}

    async def read(stream: StreamId) -> None:
        await store.fence(stream)
        failpoint("recovery.fenced")
        read = records_in(store, stream)
        of_stream[stream] = [located async for located in read if located[1].user_id not in without]

    await for_each(streams, read, STREAMS_AT_ONCE)
    failpoint("recovery.read")
    of_user: defaultdict[str, list[LocatedRecord]] = defaultdict(list)
    for stream in streams:
        for located in of_stream.pop(stream):
            of_user[located[1].user_id].append(located)
    await _fold_users(store, of_user, receipt_window)
    failpoint("recovery.before_drop")
    await for_each(streams, store.drop, STREAMS_AT_ONCE)
    failpoint("recovery.done")
    records = sum(map(len, of_user.values()))
    return Folded(len(streams), records, len(of_user), round(time.monotonic() - began, 3))


async def _fold_users(
    store: Store, of_user: dict[str, list[LocatedRecord]], receipt_window: int
) -> None:
    progress, done = ProgressLog("still folding", store=store.url), 0

    async def write(entry: tuple[str, list[LocatedRecord]]) -> None:
        nonlocal done
        await _fold_user(store, *entry, receipt_window)
        failpoint("recovery.user_folded")
        done += 1
        progress.report(done, len(of_user))

    await for_each(of_user.items(), write, SNAPSHOTS_AT_ONCE)


async def records_in(store: Store, stream: StreamId) -> AsyncIterator[LocatedRecord]:
    """The stream's records in order."""
    async for batch in store.read(stream):
        where = place_of(stream, batch)
        for entry in unpack_batch(batch.payload, where):
            yield where, decode_record(entry, where)


def place_of(stream: StreamId, batch: Batch) -> str:
    """What messages call the batch."""
    return f"journal {stream.host}/{stream.incarnation} batch {batch.sequence}"


async def take_over(
    store: Store, receipt_window: int, without: Collection[str] = ()
) -> tuple[Stream, Folded]:
    """Make this server the store's only one, and fold what hosts of earlier ones left (P3, P7).

    A server stands for as long as the stream it gets here does; its hosts look for it whenever they
    open (`Host`), so that hosts of an earlier server, under whatever placement, cannot begin to
    write any more.  The order is what makes it safe: earlier servers' streams go first and hosts
    claim first, so a host that still found its server has a stream that is fenced below.

    Raises:
        Corrupt, NewerFormat, Unavailable: as `fold` does.
    """
    server = await store.claim(SERVER)
    try:
        for earlier in await store.streams(SERVER):
            if earlier != server.id:
                await store.fence(earlier)
                await store.drop(earlier)
        await store_era(store)
        others = [stream for stream in await store.streams() if stream != server.id]
        return server, await fold(store, others, receipt_window, without)
    except BaseException:
        await server.close()
        raise


async def close_quietly(stream: Stream) -> None:
    """Close a stream that nobody writes any more; what the store leaves of it costs nothing."""
    with contextlib.suppress(StorageError):
        await stream.close()


async def check_server(store: Store, server: StreamId | None) -> None:
    """Look whether `server` still stands; a host looks after its claim (P3).  None always does.

    Raises:
        Fenced: another server has taken the store over.
        Unavailable: the store is away, or holds no mark of any server.
    """
    if server is None:
        return
    servers = await store.streams(server.host)
    if server in servers:
        return
    if servers:
        raise Fenced(f"another server has taken over {store.url}")
    raise Unavailable(
        f"{store.url} has no mark of this server any more: it was emptied, is not mounted, or a "
        "store tool has had it. Start the server anew once the store is in place"
    )


async def _fold_user(
    store: Store, user_id: str, placed: list[LocatedRecord], receipt_window: int
) -> None:
    """Write the user's snapshot with `placed` records in it, unless it holds them all already."""
    stored = await store.read_snapshot(user_id)
    after = with_records(user_id, stored, placed, receipt_window)
    if after is not None:
        payload = encode_snapshot(after.state, after.receipts)
        await store.write_snapshot(user_id, after.state.version, payload)


def with_records(
    user_id: str, stored: Stored | None, placed: Sequence[LocatedRecord], receipt_window: int
) -> Snapshot | None:
    """The user's snapshot with `placed` records in it; None when it holds them all already.

    Raises:
        Corrupt, NewerFormat: see `fold`.
    """
    snapshot = (
        decode_snapshot(stored.payload, f"snapshot of {user_id}")
        if stored
        else Snapshot(UserState(user_id), [])
    )
    by_version = sorted(placed, key=lambda located: located[1].version)
    is_lost, era = lost_from(snapshot), snapshot.state.era
    missing: list[LocatedRecord] = []
    for place, record in by_version:
        expected = snapshot.state.version + 1 + len(missing)
        if is_lost(record.version, record.command_id):
            raise Corrupt(place, 0, f"{described(record)}, {LOST}")
        if record.version > snapshot.state.version:
            if record.version != expected:
                raise Corrupt(place, 0, f"{described(record)}, expected version {expected}")
            if era and record.era != era:
                raise Corrupt(place, 0, f"{described(record)} in era {record.era}, expected {era}")
            era = record.era
            missing.append((place, record))
    return put_records(snapshot, missing, receipt_window) if missing else None


def put_records(
    snapshot: Snapshot, records: Iterable[LocatedRecord], receipt_window: int
) -> Snapshot:
    """The snapshot after `records`, in the era of the last one.

    Rows are put, no rule is run; the newest `receipt_window` receipts stay.

    Raises:
        Corrupt: a record without a decision.
    """
    state, receipts = snapshot.state, deque(snapshot.receipts, maxlen=receipt_window)
    for place, record in records:
        state = replace(state, era=record.era).put(decode_changes(record.decision, place))
        receipts.append(
            Receipt(record.command_id, record.fingerprint, record.version, record.decision)
        )
    return Snapshot(state, list(receipts))


LOST = "which the snapshot has passed without knowing that command"


def lost_from(snapshot: Snapshot) -> Callable[[int, str], bool]:
    """Whether a record's version and command id say that `snapshot` should hold it and does not.

    Such a record was acknowledged by a host that did not see this snapshot, so passing it over
    would lose it.  Of records older than the oldest receipt nobody can tell any more.
    """
    known = {receipt.command_id for receipt in snapshot.receipts}
    newest = snapshot.state.version
    oldest = min((receipt.version for receipt in snapshot.receipts), default=newest + 1)

    def is_lost(version: int, command_id: str) -> bool:
        return oldest <= version <= newest and command_id not in known

    return is_lost


def described(record: Record) -> str:
    """What messages call the record."""
    return f"version {record.version} of {record.user_id} by command {record.command_id}"

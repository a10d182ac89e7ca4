"""Everything in a store read and checked: what is damaged, where, and what was found there.

Nothing is changed, and it is fine while serving.  Damage does not end it: the next journal, record
or user follows.  Of a journal, what stands behind the first damage is not looked at: nothing there
can be trusted to be where it seems to be.

Not for: repairing.  `docs/operations.md` says what to do.
"""

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Iterator

from msgspec import Struct

from domain.state.history import HISTORY_PAGE
from persistence.codec.history_pages import page_name, read_page
from persistence.codec.records import Record, decode_decision, decode_record
from persistence.codec.snapshots import Snapshot, decode_snapshot
from persistence.errors import Corrupt, NewerFormat
from persistence.journal.group_commit import unpack_batch
from persistence.journal.recovery import LOST, lost_from, place_of
from persistence.maintenance.manifest import NotABackup, read_entries, read_manifest
from persistence.maintenance.row_checks import flaws
from persistence.maintenance.user_history import pages_before
from persistence.maintenance.user_views import OnProgress, map_concurrently, no_progress, user_ids
from persistence.store import Batch, Store, StreamId


class Damage(Struct, frozen=True):
    """One thing that is wrong: where, at which byte if it is known, whose, and what was found."""

    place: str
    found: str
    offset: int | None = None
    user_id: str | None = None

    def __str__(self) -> str:
        where = self.place if self.offset is None else f"{self.place} at byte {self.offset}"
        return f"{where}: {self.found}"


class Verified(Struct):
    """What was read, and everything that is wrong with it."""

    url: str
    format: int | None = None
    users: int = 0
    streams: int = 0
    batches: int = 0
    records: int = 0
    damages: list[Damage] = []


class _Turn(Struct, frozen=True):
    """A journalled record without its decision, to hold many."""

    version: int
    command_id: str
    fingerprint: bytes
    place: str


_Turns = defaultdict[str, list[_Turn]]


async def verify(store: Store, on_progress: OnProgress = no_progress) -> Verified:
    """Read all of `store`; `damages` is empty when it is sound.

    Raises:
        Unavailable: the store does not answer.
    """
    done = Verified(store.url)
    try:
        done.format = await store.format()
        streams = await store.streams()
    except (Corrupt, NewerFormat) as error:
        done.damages.append(_damage(error))
        return done
    turns: _Turns = defaultdict(list)
    for stream in streams:  # before the snapshots: see `user_views`
        done.streams += 1
        await _read_stream(store, stream, done, turns, on_progress)

    async def check(user_id: str) -> list[Damage]:
        return await _user_damages(store, user_id, turns.get(user_id, []))

    async for damages in map_concurrently(user_ids(store, turns.keys()), check):
        done.users += 1
        done.damages += damages
        on_progress()
    await _check_manifest(store, done)
    return done


async def _read_stream(
    store: Store, stream: StreamId, done: Verified, turns: _Turns, on_progress: OnProgress
) -> None:
    try:
        async for batch in store.read(stream):
            done.batches += 1
            for record in _records(batch, place_of(stream, batch), done):
                done.records += 1
                turns[record.user_id].append(
                    _Turn(
                        record.version,
                        record.command_id,
                        record.fingerprint,
                        place_of(stream, batch),
                    )
                )
            on_progress()
    except (Corrupt, NewerFormat) as error:
        done.damages.append(_damage(error))


def _records(batch: Batch, place: str, done: Verified) -> Iterator[Record]:
    """The batch's sound records; the others are damages."""
    for entry in unpack_batch(batch.payload, place):
        try:
            record = decode_record(entry, place)
        except (Corrupt, NewerFormat) as error:
            done.damages.append(_damage(error))
            continue
        try:
            decode_decision(record.decision, f"{place}, version {record.version}")
        except Corrupt as error:
            done.damages.append(_damage(error, record.user_id))
            continue
        yield record


async def _user_damages(store: Store, user_id: str, turns: list[_Turn]) -> list[Damage]:
    place, version = f"snapshot of {user_id}", 0
    damages: list[Damage] = []
    try:
        stored = await store.read_snapshot(user_id)
        if stored is not None:
            snapshot = decode_snapshot(stored.payload, place)
            damages += [Damage(place, found, user_id=user_id) for found in flaws(snapshot, user_id)]
            version = stored.version
            if snapshot.state.version != version:
                found = f"version {snapshot.state.version} inside, {version} outside"
                damages.append(Damage(place, found, user_id=user_id))
    except (Corrupt, NewerFormat) as error:
        return [_damage(error, user_id)]  # what follows on it cannot be judged
    if stored is not None and not damages:
        damages += await _page_damages(store, snapshot)
        damages += _lost(snapshot, turns)
    return damages + list(_gaps(user_id, version, turns))


async def _page_damages(store: Store, snapshot: Snapshot) -> list[Damage]:
    """Pages of the history that are missing, damaged or of another length than a page."""
    user_id = snapshot.state.user_id
    damages = []
    for first in pages_before(snapshot):
        try:
            page = await read_page(store, user_id, first)
        except (Corrupt, NewerFormat) as error:
            damages.append(_damage(error, user_id))
            continue
        sequences = [entry.sequence for entry in page]
        if sequences != list(range(first, first + HISTORY_PAGE)):
            found = f"{len(page)} entries from {sequences[0]} to {sequences[-1]}"
            place = page_name(user_id, first)
            damages.append(Damage(place, f"a page of {found}", user_id=user_id))
    return damages


def _lost(snapshot: Snapshot, turns: Iterable[_Turn]) -> Iterator[Damage]:
    """Records that the snapshot should hold and does not: see `recovery.lost_from`."""
    user_id, is_lost = snapshot.state.user_id, lost_from(snapshot)
    for turn in turns:
        if is_lost(turn.version, turn.command_id):
            found = f"version {turn.version} of {user_id} by command {turn.command_id}, {LOST}"
            yield Damage(turn.place, found, user_id=user_id)


def _gaps(user_id: str, version: int, turns: Iterable[_Turn]) -> Iterator[Damage]:
    """Versions that are missing or recorded twice behind the snapshot's (P2)."""
    before: _Turn | None = None
    for turn in sorted(turns, key=lambda turn: turn.version):
        if before is not None and turn.version == before.version:
            if (turn.command_id, turn.fingerprint) != (before.command_id, before.fingerprint):
                found = (
                    f"version {turn.version} of {user_id} by command {turn.command_id}, which "
                    f"{before.place} has by command {before.command_id}"
                )
                yield Damage(turn.place, found, user_id=user_id)
        elif turn.version > version:
            if turn.version != version + 1:
                found = f"version {turn.version} of {user_id}, expected version {version + 1}"
                yield Damage(turn.place, found, user_id=user_id)
            version = turn.version
        before = turn


async def _check_manifest(store: Store, done: Verified) -> None:
    """A backup that was served since may be newer than its manifest, never older."""
    try:
        entries = await read_entries(store, await read_manifest(store))
    except NotABackup:
        return
    except (Corrupt, NewerFormat) as error:
        done.damages.append(_damage(error))
        return
    for entry in entries:
        place = f"snapshot of {entry.user_id}"
        with contextlib.suppress(Corrupt, NewerFormat):  # reported already
            stored = await store.read_snapshot(entry.user_id)
            if stored is None or stored.version < entry.version:
                found = "nothing" if stored is None else f"version {stored.version}"
                found += f", where the manifest has version {entry.version}"
                done.damages.append(Damage(place, found, user_id=entry.user_id))


def _damage(error: Corrupt | NewerFormat, user_id: str | None = None) -> Damage:
    if isinstance(error, NewerFormat):
        return Damage(error.place, str(error), user_id=user_id)
    return Damage(error.place, error.found, error.offset, user_id)

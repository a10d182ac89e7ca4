"""A consistent copy of a store, taken while it is served, and put back whole or user by user.

**Consistent** means: for every user there is a moment between the copy's begin and its end at which
recovery would have found exactly this user; so each one is there with whole turns, and with every
turn that was acknowledged before the begin.  Users are independent of each other, so no moment need
be the same for two of them.  `docs/decisions/0008-a-backup-is-many-moments.md` has the proof.

A backup is a store: it holds snapshots only, and a server can serve from it.  Putting an older
state back makes a new version (`overwrite`).

Not for: moving some users about (`export_import`).
"""

from collections.abc import AsyncIterator, Callable, Sequence

from msgspec import Struct

from persistence.codec.snapshots import encode_snapshot
from persistence.errors import Corrupt, NewerFormat, StorageError
from persistence.maintenance.exclusive import exclusive_access
from persistence.maintenance.export_import import ImportOutcome
from persistence.maintenance.manifest import (
    NOTE,
    Manifest,
    ManifestEntry,
    read_entries,
    read_manifest,
    write_manifest,
)
from persistence.maintenance.overwrite import put
from persistence.maintenance.user_history import CompleteUser, write_pages
from persistence.maintenance.user_views import (
    OnProgress,
    as_async_iterator,
    map_concurrently,
    no_progress,
    read_complete_user,
    read_current_user,
    unfolded_records,
    user_ids,
)
from persistence.store import Store

Clock = Callable[[], str]
"""The time now, as text."""


class NotEmpty(StorageError):
    """A backup goes to an empty place.  Name another one."""


class NotInBackup(StorageError):
    """The backup does not have this user.  Name another user or an older backup."""


class UnreadableUser(Struct, frozen=True):
    """A user of a backup who cannot be put back from it, and why."""

    user_id: str
    damage: Corrupt | NewerFormat


class BackupSummary(Struct, frozen=True):
    """A finished backup: its manifest, and what is wrong with the users who are not in it."""

    manifest: Manifest
    damages: list[Corrupt | NewerFormat]


async def back_up(
    store: Store,
    destination: Store,
    *,
    owner: str,
    clock: Clock,
    on_progress: OnProgress = no_progress,
) -> BackupSummary:
    """Copy every user of `store`, which may be served meanwhile, to `destination`.

    Damaged users are left out and reported; all others are copied.

    Raises:
        NotEmpty: nothing was written.
        Corrupt, NewerFormat: a journal is damaged, so that nobody's newest state is certain.
        StoreInUse, UnfitStore, Unavailable: as the stores raise them; no manifest stands then.
    """
    await _refuse_unless_empty(destination)
    begun = clock()
    entries: list[ManifestEntry] = []
    damages: dict[str, Corrupt | NewerFormat] = {}
    async with exclusive_access(destination, owner):
        journals = await unfolded_records(store)

        async def copy(user_id: str) -> None:
            try:
                user = await read_complete_user(store, user_id, journals)
            except (Corrupt, NewerFormat) as error:
                damages[user_id] = error
                return
            if user is not None:  # else deleted since it was listed
                state = user.snapshot.state
                await write_pages(destination, user)
                payload = encode_snapshot(state, user.snapshot.receipts)
                await destination.write_snapshot(user_id, state.version, payload)
                entries.append(ManifestEntry(user_id, state.version))

        async for _ in map_concurrently(user_ids(store, journals.keys()), copy):
            on_progress()
        manifest = await write_manifest(
            destination,
            sorted(entries, key=lambda entry: entry.user_id),
            begun=begun,
            ended=clock(),
            source=store.url,
            damaged=sorted(damages),
        )
    return BackupSummary(manifest, list(damages.values()))


async def restore(
    backup: Store,
    store: Store,
    users: Sequence[str] = (),
    *,
    owner: str,
    on_progress: OnProgress = no_progress,
) -> AsyncIterator[ImportOutcome | UnreadableUser]:
    """Put `users`, or everyone in `backup`, into `store`; users who are not named stay as they are.

    What stands is replaced, by a new version where it is as new.  A user who is damaged in the
    store is given up for the one in the backup; a user who is damaged in the backup is reported,
    and the next one follows.  Doing it again changes nothing more.

    Raises:
        NotABackup, NotInBackup: nothing was changed.
        StoreInUse, UnfitStore, Unavailable: see `exclusive_access`.
        Corrupt, NewerFormat: the manifest; a journal of `store`, or a user in it who is not to be
            restored; a user who is damaged in both, while journals stand.  Nothing was changed.
    """
    entries = await read_entries(backup, await read_manifest(backup))
    by_user = {entry.user_id: entry for entry in entries}
    if missing := [user_id for user_id in users if user_id not in by_user]:
        raise NotInBackup(f"{', '.join(missing)} is not in the backup {backup.url}")
    wanted = list(users or by_user)
    given_up = await _given_up(backup, store, [by_user[user_id] for user_id in wanted])

    async def put_back(user_id: str) -> ImportOutcome | UnreadableUser:
        try:
            offered = await _in_backup(backup, by_user[user_id])
        except (Corrupt, NewerFormat) as error:
            return UnreadableUser(user_id, error)
        return ImportOutcome(user_id, await put(store, offered, replace=True))

    async with exclusive_access(store, owner, given_up):
        async for outcome in map_concurrently(as_async_iterator(wanted), put_back):
            on_progress()
            yield outcome


async def _refuse_unless_empty(destination: Store) -> None:
    users = destination.users()
    if (
        await destination.streams()
        or await destination.read_note(NOTE)
        or await anext(users, None) is not None
    ):
        raise NotEmpty(
            f"{destination.url} is not empty. A backup goes to a place of its own, as "
            "what it does not hold must not seem to be in it."
        )


async def _given_up(backup: Store, store: Store, wanted: Sequence[ManifestEntry]) -> set[str]:
    """Users whose journalled records cannot be folded and who are sound in the backup.

    What is journalled of them is dropped in favour of the backup.
    """
    given_up = set[str]()
    journals = await unfolded_records(store, {entry.user_id for entry in wanted})
    for entry in wanted:
        if entry.user_id in journals:
            try:
                await read_current_user(store, entry.user_id, journals)
            except Corrupt:
                await _in_backup(backup, entry)
                given_up.add(entry.user_id)
    return given_up


async def _in_backup(backup: Store, entry: ManifestEntry) -> CompleteUser:
    """The user as it was copied; a backup that was served since has moved on."""
    user = await read_complete_user(backup, entry.user_id, {})
    place = f"snapshot of {entry.user_id} in {backup.url}"
    if user is None:
        raise Corrupt(place, 0, f"nothing, where the manifest has version {entry.version}")
    if (version := user.snapshot.state.version) != entry.version:
        raise Corrupt(place, 0, f"version {version}, where the manifest has {entry.version}")
    return user

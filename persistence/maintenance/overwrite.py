"""Overwriting one user's stored state with another: import and restore.

The stored state is newer more often than not, and a snapshot never goes backwards (P6).  So an
older state that is to replace it is written as a *new* version, one above the stored one: every
stale writer still loses, and clients see the version rise.  Receipts of both are kept: a command
that was answered before is answered the same after, and takes no effect twice, though a restore
took its effect back (P4).  Whoever is written begins another era: what clients know of the old one
says nothing about the new one (P10).

Not for: keeping servers out (`exclusive`), where states come from (`export_import`, `backup`).
"""

from enum import StrEnum

from msgspec import structs

from domain.state.receipts import Receipt
from persistence.codec.snapshots import Snapshot, encode_snapshot, rows_of
from persistence.eras import new_era
from persistence.errors import Corrupt, StoreInUse
from persistence.maintenance.user_history import CompleteUser, delete_pages, write_pages
from persistence.maintenance.user_views import read_current_user
from persistence.store import Store, Stored


class Outcome(StrEnum):
    """What became of one user."""

    WRITTEN = "written"  # nothing was stored, or an older version was
    SAME = "same"  # was stored already
    REPLACED = "replaced"  # something newer or other was stored; written as a version above it
    SKIPPED = "skipped"  # likewise, and it was not to be replaced
    REPAIRED = "repaired"  # what was stored was damaged and is gone


def decide_overwrite(
    stored: Snapshot | None, offered: Snapshot, *, replace: bool
) -> tuple[Outcome, Snapshot | None]:
    """What to do about `offered` where `stored` is, and the snapshot to write, if any."""
    if stored is None:
        return Outcome.WRITTEN, offered
    if _contains(stored, offered):
        return Outcome.SAME, None
    merged = Snapshot(offered.state, _merged_receipts(stored, offered))
    if offered.state.version > stored.state.version:
        return Outcome.WRITTEN, merged
    if not replace:
        return Outcome.SKIPPED, None
    after = structs.replace(offered.state, version=stored.state.version + 1)
    return Outcome.REPLACED, Snapshot(after, merged.receipts)


async def put(store: Store, offered: CompleteUser, *, replace: bool) -> Outcome:
    """Put the user into `store`, which the caller has alone and without journals.

    A damaged user is given up for `offered` when `replace` says so: the version starts again from
    there, since nobody can tell which one was reached.

    Raises:
        Corrupt: what is stored is damaged, and not to be replaced.
        NewerFormat: a newer Questkeep wrote what is stored; it is never given up.
        StoreInUse: another wrote this user meanwhile.
        Unavailable: as the store raises it.
    """
    user_id = offered.user_id
    after: Snapshot | None = offered.snapshot
    try:
        stored = await read_current_user(store, user_id, {})
    except Corrupt:
        if not replace:
            raise
        await store.delete_snapshot(user_id)
        outcome = Outcome.REPAIRED
    else:
        outcome, after = decide_overwrite(stored, offered.snapshot, replace=replace)
    if outcome is not Outcome.SKIPPED:
        await write_pages(store, offered)
        if after is not None:
            state = structs.replace(after.state, era=new_era())
            payload = encode_snapshot(state, after.receipts)
            await _write(store, user_id, Stored(state.version, payload))
        await delete_pages(store, user_id, offered.pages_end)
    return outcome


async def _write(store: Store, user_id: str, snapshot: Stored) -> None:
    await store.write_snapshot(user_id, *snapshot)
    if await store.read_snapshot(user_id) != snapshot:
        raise StoreInUse(
            f"{user_id} changed in {store.url} while this ran. Stop the server that serves it and "
            "run this again."
        )


def _contains(stored: Snapshot, offered: Snapshot) -> bool:
    """Whether overwriting with `offered` would change nothing, however often it was done before.

    Receipts older than those that are stored have left the window: they are not missed.
    """
    known_ids = {receipt.command_id for receipt in stored.receipts}
    oldest = min((receipt.version for receipt in stored.receipts), default=0)
    return (
        rows_of(stored.state) == rows_of(offered.state)
        and stored.state.version >= offered.state.version
        and all(
            receipt.command_id in known_ids or receipt.version <= oldest
            for receipt in offered.receipts
        )
    )


def _merged_receipts(stored: Snapshot, offered: Snapshot) -> list[Receipt]:
    """By version, the newest last; of a command that both know, the stored reply came last."""
    by_id = {receipt.command_id: receipt for receipt in (*offered.receipts, *stored.receipts)}
    return sorted(by_id.values(), key=lambda receipt: receipt.version)

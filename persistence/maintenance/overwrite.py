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

from persistence.codec.raw_snapshots import (
    RawReceipt,
    SnapshotDict,
    pack_snapshot,
    receipt_of,
)
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
    stored: SnapshotDict | None, offered: SnapshotDict, *, replace: bool
) -> tuple[Outcome, SnapshotDict | None]:
    """What to do about `offered` where `stored` is, and the snapshot to write, if any."""
    if stored is None:
        return Outcome.WRITTEN, offered
    if _contains(stored, offered):
        return Outcome.SAME, None
    merged: SnapshotDict = {**offered, "receipts": _merged_receipts(stored, offered)}
    if offered["version"] > stored["version"]:
        return Outcome.WRITTEN, merged
    if not replace:
        return Outcome.SKIPPED, None
    return Outcome.REPLACED, {**merged, "version": stored["version"] + 1}


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
    after: SnapshotDict | None = offered.snapshot
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
            after = {**after, "era": new_era()}
            await _write(store, user_id, Stored(after["version"], pack_snapshot(after)))
        await delete_pages(store, user_id, offered.pages_end)
    return outcome


async def _write(store: Store, user_id: str, snapshot: Stored) -> None:
    await store.write_snapshot(user_id, *snapshot)
    if await store.read_snapshot(user_id) != snapshot:
        raise StoreInUse(
            f"{user_id} changed in {store.url} while this ran. Stop the server that serves it and "
            "run this again."
        )


def _contains(stored: SnapshotDict, offered: SnapshotDict) -> bool:
    """Whether overwriting with `offered` would change nothing, however often it was done before.

    Receipts older than those that are stored have left the window: they are not missed.
    """
    known = [receipt_of(receipt) for receipt in stored["receipts"]]
    known_ids = {receipt.command_id for receipt in known}
    oldest = min((receipt.version for receipt in known), default=0)
    return (
        stored["rows"] == offered["rows"]
        and stored["version"] >= offered["version"]
        and all(
            receipt.command_id in known_ids or receipt.version <= oldest
            for receipt in map(receipt_of, offered["receipts"])
        )
    )


def _merged_receipts(stored: SnapshotDict, offered: SnapshotDict) -> list[RawReceipt]:
    """By version, the newest last; of a command that both know, the stored reply came last."""
    by_id = {
        receipt_of(receipt).command_id: receipt
        for receipt in (*offered["receipts"], *stored["receipts"])
    }
    return sorted(by_id.values(), key=lambda receipt: receipt_of(receipt).version)

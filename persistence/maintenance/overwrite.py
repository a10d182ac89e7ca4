"""One user's state put into a store where another may stand: import and restore.

What stands is newer more often than not, and a snapshot never goes backwards (P6).  So an older
state that is to replace it is written as a *new* version, one above what stands: every stale writer
still loses, and clients see the version rise.  Receipts of both are kept: a command that was
answered before is answered the same after, and takes no effect twice, though a restore took its
effect back (P4).

Not for: keeping servers out (`exclusive`), where states come from (`export_import`, `backup`).
"""

from enum import StrEnum
from typing import Any

from persistence.codec.snapshots import pack_snapshot
from persistence.errors import Corrupt, StoreInUse
from persistence.maintenance.user_history import CompleteUser, delete_pages, write_pages
from persistence.maintenance.user_views import read_current_user
from persistence.store import Store, Stored


class Outcome(StrEnum):
    """What became of one user."""

    WRITTEN = "written"  # nothing stood, or an older version did
    SAME = "same"  # stood already
    REPLACED = "replaced"  # something newer or other stood; written as a version above it
    SKIPPED = "skipped"  # likewise, and it was not to be replaced
    REPAIRED = "repaired"  # what stood was damaged and is gone


def decide_overwrite(
    standing: dict[str, Any] | None, offered: dict[str, Any], *, replace: bool
) -> tuple[Outcome, dict[str, Any] | None]:
    """What to do about `offered` where `standing` is, and the snapshot to write, if any."""
    if standing is None:
        return Outcome.WRITTEN, offered
    if _contains(standing, offered):
        return Outcome.SAME, None
    both = {**offered, "receipts": _receipts_of_both(standing, offered)}
    if offered["version"] > standing["version"]:
        return Outcome.WRITTEN, both
    if not replace:
        return Outcome.SKIPPED, None
    return Outcome.REPLACED, {**both, "version": standing["version"] + 1}


async def put(store: Store, offered: CompleteUser, *, replace: bool) -> Outcome:
    """Put the user into `store`, which the caller has alone and without journals.

    A damaged user is given up for `offered` when `replace` says so: the version starts again from
    there, since nobody can tell which one was reached.

    Raises:
        Corrupt: what stands is damaged, and not to be replaced.
        NewerFormat: a newer Questkeep wrote what stands; it is never given up.
        StoreInUse: another wrote this user meanwhile.
        Unavailable: as the store raises it.
    """
    user_id = offered.user_id
    after: dict[str, Any] | None = offered.snapshot
    try:
        standing = await read_current_user(store, user_id, {})
    except Corrupt:
        if not replace:
            raise
        await store.delete_snapshot(user_id)
        outcome = Outcome.REPAIRED
    else:
        outcome, after = decide_overwrite(standing, offered.snapshot, replace=replace)
    if outcome is not Outcome.SKIPPED:
        await write_pages(store, offered)
        if after is not None:
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


def _contains(standing: dict[str, Any], offered: dict[str, Any]) -> bool:
    """Whether putting `offered` back would change nothing, however often it was done before.

    Receipts older than those that stand have left the window: they are not missed.
    """
    known = {receipt[0] for receipt in standing["receipts"]}
    oldest = min((receipt[2] for receipt in standing["receipts"]), default=0)
    return bool(
        standing["rows"] == offered["rows"]
        and standing["version"] >= offered["version"]
        and all(receipt[0] in known or receipt[2] <= oldest for receipt in offered["receipts"])
    )


def _receipts_of_both(standing: dict[str, Any], offered: dict[str, Any]) -> list[Any]:
    """By version, the newest last; of one command that both know, what stands was told last."""
    by_id = {receipt[0]: receipt for receipt in offered["receipts"]}
    by_id |= {receipt[0]: receipt for receipt in standing["receipts"]}
    return sorted(by_id.values(), key=lambda receipt: receipt[2])

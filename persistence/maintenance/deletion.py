"""One user out of a store for good: for privacy requests.

Journals hold records of many users side by side, so they are folded into the snapshots of all
others first and dropped whole; then the user's own snapshot goes, and what carries the user's name
where the placement gave them a host of their own.  What backups, exports and a bucket's own
versions hold is not reached from here.

Not for: users who are merely to be started over; a deletion forgets their receipts too.
"""

from collections.abc import Collection

from persistence.eras import renew_store_era
from persistence.errors import Corrupt, StorageError
from persistence.maintenance.exclusive import exclusive_access
from persistence.maintenance.user_history import delete_pages, pages_before
from persistence.maintenance.user_views import read_current_user, unfolded_records
from persistence.store import Store


class NotForgotten(StorageError):
    """Something of the user still stands.  Run the deletion again."""


async def delete(store: Store, user_id: str, hosts: Collection[str], *, owner: str) -> bool:
    """Remove `user_id`, and `hosts` that were theirs alone; whether anything was stored of them.

    A user whose snapshot is damaged is deleted all the same.

    Raises:
        StoreInUse: a server serves; nothing was changed.
        NotForgotten: see there.
        Corrupt, NewerFormat, Unavailable: of what is stored of *others*; see `exclusive_access`.
    """
    known = bool(await unfolded_records(store, {user_id})) or await _stands(store, user_id)
    async with exclusive_access(store, owner, without={user_id}):
        await renew_store_era(store)  # the user's next life is another line of versions (P10)
        known_pages = await _history_end(store, user_id)
        await delete_pages(store, user_id, 1, known_pages)
        await store.delete_snapshot(user_id)
        for host in hosts:
            await store.forget_host(host)
        if await _stands(store, user_id) or await unfolded_records(store, {user_id}):
            raise NotForgotten(f"{user_id} was written to {store.url} again while this ran.")
    return known


async def _history_end(store: Store, user_id: str) -> int:
    """How far the user's pages reach, as far as the snapshot can say."""
    try:
        snapshot = await read_current_user(store, user_id, {})
    except Corrupt:
        return 0
    return 0 if snapshot is None else pages_before(snapshot).stop


async def _stands(store: Store, user_id: str) -> bool:
    try:
        return await store.read_snapshot(user_id) is not None
    except Corrupt:
        return True

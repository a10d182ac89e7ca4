"""Views of users: each as recovery would find them at this moment, read without changing anything.

What a server would serve is a user's snapshot with the journalled records behind it.  Read while
serving, both move: a record leaves its journal once a snapshot holds it.  Hence the order, journals
first and snapshots second: whatever had left a journal stands in the snapshot by then.

`docs/decisions/0008-a-backup-is-many-moments.md` has the proof.

Not for: serving (`actors.host`) or folding (`recovery`).
"""

import asyncio
from collections import defaultdict
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Mapping,
    Sequence,
)
from typing import TypeVar

from persistence.codec.history_pages import is_page
from persistence.codec.snapshots import Snapshot, decode_snapshot
from persistence.journal.recovery import EVERY_RECEIPT, LocatedRecord, records_in, with_records
from persistence.maintenance.user_history import CompleteUser, read_with_pages
from persistence.store import Store

AT_ONCE = 64
"""Users read or written side by side: hides the wait for a disk or a bucket."""

OnProgress = Callable[[], None]
"""Called for each user or batch that is done: moves a progress bar."""

UnfoldedRecords = Mapping[str, Sequence[LocatedRecord]]
"""Each user's records that are still in journals, in no particular order."""

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def no_progress() -> None:
    """An `OnProgress` for callers that show none."""


async def unfolded_records(store: Store, users: Collection[str] | None = None) -> UnfoldedRecords:
    """The records of all journals, or of some users only; as much memory as a recovery takes.

    Raises:
        Corrupt, NewerFormat, Unavailable: as the store raises them.
    """
    records: defaultdict[str, list[LocatedRecord]] = defaultdict(list)
    for stream in await store.streams():
        async for where, record in records_in(store, stream):
            if users is None or record.user_id in users:
                records[record.user_id].append((where, record))
    return records


async def read_current_user(
    store: Store, user_id: str, journals: UnfoldedRecords
) -> Snapshot | None:
    """The user as a snapshot would hold them, no receipt left out; None for nobody.

    `journals` were read before this is called.

    Raises:
        Corrupt, NewerFormat, Unavailable: as the store raises them.
    """
    stored = await store.read_snapshot(user_id)
    current = with_records(user_id, stored, journals.get(user_id, ()), EVERY_RECEIPT)
    if current is None and stored is not None:
        return decode_snapshot(stored.payload, f"snapshot of {user_id}")
    return current


async def read_complete_user(
    store: Store, user_id: str, journals: UnfoldedRecords
) -> CompleteUser | None:
    """`read_current_user` with the history's pages."""
    snapshot = await read_current_user(store, user_id, journals)
    return None if snapshot is None else await read_with_pages(store, snapshot)


async def user_ids(store: Store, journals: Collection[str]) -> AsyncIterator[str]:
    """Every user: those in `journals`, which were read before, and those with a snapshot."""
    for user_id in journals:
        yield user_id
    async for name in store.users():
        if name not in journals and not is_page(name):
            yield name


async def as_async_iterator(items: Collection[_Item]) -> AsyncIterator[_Item]:
    """`items`, where an asynchronous sequence is wanted."""
    for item in items:
        yield item


async def map_concurrently(
    items: AsyncIterator[_Item], work: Callable[[_Item], Awaitable[_Result]]
) -> AsyncIterator[_Result]:
    """`work`'s results in the order of `items`, a portion of them done at once."""
    portion: list[_Item] = []
    async for item in items:
        portion.append(item)
        if len(portion) == AT_ONCE:
            for result in await gather_all(map(work, portion)):
                yield result
            portion.clear()
    for result in await gather_all(map(work, portion)):
        yield result


async def gather_all(work: Iterable[Awaitable[_Result]]) -> list[_Result]:
    """The results in order, or the first error, but not before all of it has ended."""
    results = await asyncio.gather(*work, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if not isinstance(result, BaseException)]

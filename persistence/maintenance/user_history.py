"""A complete user: the snapshot with the pages of the history that left it.

Pages never change while their user is served, and a page is stored before its entries leave the
snapshot; so the pages of a snapshot may be read any time after it.  When an older state is put
back, pages of what came after it have to go, or the history would go on with a past that is none.

Not for: moving entries into pages (`actors.host.history_paging`).
"""

from msgspec import Struct

from domain.state.history import HISTORY_PAGE, HistoryEntry
from persistence.codec.history_pages import page_name, read_page, write_page
from persistence.codec.snapshots import Snapshot
from persistence.errors import Corrupt
from persistence.store import Store

Page = list[HistoryEntry]
"""Entries, oldest first; `sequence` numbers them without gaps."""


class CompleteUser(Struct, frozen=True):
    """A snapshot, and the pages before its own part of the history."""

    snapshot: Snapshot
    pages: list[Page]

    @property
    def user_id(self) -> str:
        """Whose state it is."""
        return self.snapshot.state.user_id

    @property
    def pages_end(self) -> int:
        """The sequence behind the last page."""
        return len(self.pages) * HISTORY_PAGE + 1


def pages_before(snapshot: Snapshot) -> range:
    """The first sequences of the pages that a snapshot rests on."""
    return range(1, snapshot.state.history_stored_through + 1, HISTORY_PAGE)


async def read_with_pages(store: Store, snapshot: Snapshot) -> CompleteUser:
    """The user with all history pages.

    Raises:
        Corrupt, NewerFormat, Unavailable: of a page.
    """
    user_id = snapshot.state.user_id
    firsts = pages_before(snapshot)
    return CompleteUser(snapshot, [await read_page(store, user_id, first) for first in firsts])


async def write_pages(store: Store, user: CompleteUser) -> None:
    """Store the user's pages; one that is stored already is left, unless it is another."""
    for page in user.pages:
        first = page[0].sequence
        if await _page_at(store, user.user_id, first) not in (None, page):
            await store.delete_snapshot(page_name(user.user_id, first))
        await write_page(store, user.user_id, page)


async def delete_pages(store: Store, user_id: str, begin: int, known: int = 0) -> None:
    """Remove the user's pages from the one that begins at sequence `begin` on.

    It looks for pages through sequence `known`, and on until there is none.  The last one goes
    first, so that a deletion that was broken off finds the rest when it is run again.
    """
    stored = []
    first = begin
    while (is_stored := await _page_at(store, user_id, first) is not None) or first <= known:
        if is_stored:
            stored.append(first)
        first += HISTORY_PAGE
    for first in reversed(stored):
        await store.delete_snapshot(page_name(user_id, first))


async def _page_at(store: Store, user_id: str, first: int) -> Page | None:
    """The page, or None; an empty one for damage."""
    try:
        if await store.read_snapshot(page_name(user_id, first)) is None:
            return None
        return await read_page(store, user_id, first)
    except Corrupt:
        return []

"""Pages of a user's history that have left memory: immutable, 256 entries each, read by number.

A page stands among the snapshots under a name of its own, `<user>+<first sequence>`, which no user
can have: it gets their durability, their checksum and their rule that the first one stays.  Pages
begin at sequences 1, 257, 513, …, so finding one needs no listing.

Not for: which entries leave memory, and when (`user_state.history_page`, `actors.host`).
"""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from domain.state.array_form import from_array, to_array
from domain.state.history import HistoryEntry
from persistence.codec.formats import FORMAT, Upcasters, encode, unpack, upcast
from persistence.errors import Corrupt
from persistence.store import Store

MARK = "+"
PAGE_UPCASTERS: Upcasters = {}


class _Stored(Struct, frozen=True):
    """What a page's bytes hold, in this order."""

    format: int
    user_id: str
    entries: list[HistoryEntry]


def page_name(user_id: str, first: int) -> str:
    """Under what a page is stored; `first` is the sequence of its first entry."""
    return f"{user_id}{MARK}{first:020}"


def is_page(name: str) -> bool:
    """Whether a name among the snapshots is a page's and no user's."""
    return MARK in name


async def write_page(store: Store, user_id: str, entries: Sequence[HistoryEntry]) -> None:
    """Make a page of `entries` durable.  One that stands already stays: it holds the same.

    Raises:
        Unavailable: the entries must stay in memory.
    """
    payload = encode(to_array(_Stored(FORMAT, user_id, list(entries))))
    await store.write_snapshot(page_name(user_id, entries[0].sequence), 1, payload)


async def read_page(store: Store, user_id: str, first: int) -> list[HistoryEntry]:
    """The entries of the page that begins at `first`.

    Raises:
        Corrupt: it is not there, or not a page of this user.
        NewerFormat, Unavailable: as the store's methods do.
    """
    name = page_name(user_id, first)
    stored = await store.read_snapshot(name)
    if stored is None:
        raise Corrupt(name, 0, "nothing, though the history goes on after this page")
    fields = unpack(stored.payload, name)
    if not isinstance(fields, list) or not fields:
        raise Corrupt(name, 0, "a page that is no list of fields")
    try:
        page = from_array(_Stored, upcast(fields, fields[0], PAGE_UPCASTERS, name))
    except msgspec.ValidationError as error:
        raise Corrupt(name, 0, f"a page with wrong fields: {error}") from None
    if page.user_id != user_id or not page.entries or page.entries[0].sequence != first:
        raise Corrupt(name, 0, f"a page of {page.user_id}")
    return page.entries

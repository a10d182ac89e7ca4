"""Pages of a user's history that have left memory: immutable, 256 entries each, read by number.

A page stands among the snapshots under a name of its own, `<user>+<first sequence>`, which no user
can have: it gets their durability, their checksum and their rule that the first one stays.  Pages
begin at sequences 1, 257, 513, …, so finding one needs no listing.

Not for: which entries leave memory, and when (`user_state.history_page`, `actors.host`).
"""

from collections.abc import Sequence
from typing import Any

import msgpack
import msgspec

from persistence.codec.formats import FORMAT
from persistence.errors import Corrupt, NewerFormat
from persistence.store import Store

MARK = "+"

_encode = msgspec.msgpack.Encoder().encode


def page_name(user_id: str, first: int) -> str:
    """Under what a page is stored; `first` is the sequence of its first entry."""
    return f"{user_id}{MARK}{first:020}"


def is_page(name: str) -> bool:
    """Whether a name among the snapshots is a page's and no user's."""
    return MARK in name


async def write_page(store: Store, user_id: str, first: int, entries: Sequence[object]) -> None:
    """Make a page durable.  One that stands already stays: it holds the same entries.

    `first` is the sequence of the first of `entries`, which are plain values or the domain's own.

    Raises:
        Unavailable: the entries must stay in memory.
    """
    payload = _encode({"format": FORMAT, "user_id": user_id, "entries": entries})
    await store.write_snapshot(page_name(user_id, first), 1, payload)


async def read_page(store: Store, user_id: str, first: int) -> list[dict[str, Any]]:
    """The entries of the page that begins at `first`.

    Raises:
        Corrupt: it is not there, or not a page of this user.
        NewerFormat, Unavailable: as the store's methods do.
    """
    name = page_name(user_id, first)
    stored = await store.read_snapshot(name)
    if stored is None:
        raise Corrupt(name, 0, "nothing, though the history goes on after this page")
    page = msgpack.unpackb(stored.payload, strict_map_key=True)
    if page["format"] > FORMAT:
        raise NewerFormat(name, page["format"], FORMAT)
    if page["user_id"] != user_id or page["entries"][0]["sequence"] != first:
        raise Corrupt(name, 0, f"a page of {page['user_id']}")
    entries: list[dict[str, Any]] = page["entries"]
    return entries

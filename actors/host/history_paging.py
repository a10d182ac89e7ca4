"""A user's account beyond memory: full pages go to the store, old entries are read from there.

Pages are read by whoever asks for the account, and by an undo that reaches that far back.

Not for: what an entry says (`domain.state.history`).
"""

import asyncio
from typing import Any

import msgspec
import structlog

from actors.host.pending_replies import unavailable
from actors.host.user import HISTORY_LIMIT, UserActor, write_body
from actors.messages import Read, Reply, answered
from domain.decide.undo import grant_among
from domain.state.history import HISTORY_PAGE, HistoryEntry
from domain.state.user_state import UserState, history_page
from persistence.codec.history_pages import read_page, write_page
from persistence.errors import Corrupt, StorageError
from persistence.store import Store

log = structlog.get_logger(__name__)

PAGES_AT_ONCE = 8
"""Pages read side by side by an undo that looks for its grant."""


async def store_pages(store: Store, actor: UserActor) -> None:
    """Move full pages of durable entries to the store; an entry leaves memory once it stands there.

    A store that is away only means that the entries stay in memory until the next try.
    """
    try:
        while (page := history_page(actor.durable)) is not None:
            first, entries = page
            await write_page(store, actor.durable.user_id, first, entries)
            actor.forget_history_through(entries[-1].sequence)
    except StorageError as error:
        log.error("a history page could not be stored", reason=str(error))
    finally:
        actor.pages_stored()


async def read_history(store: Store, actor: UserActor, request: Read) -> Reply:
    """Entries of the account after `request.after`, out of pages first and then out of memory."""
    state = actor.durable
    limit = request.limit or HISTORY_LIMIT
    found: list[Any] = []
    after = request.after
    try:
        while len(found) < limit and after < state.history_stored_through:
            first = after // HISTORY_PAGE * HISTORY_PAGE + 1
            page = await read_page(store, state.user_id, first)
            found += [entry for entry in page if entry["sequence"] > after]
            after = page[-1]["sequence"]
    except StorageError as error:
        log.error("a history could not be read", reason=str(error))
        return unavailable(error)
    found += [entry for entry in state.history if entry.sequence > after]
    more = {"next_after": _sequence(found[limit - 1])} if len(found) > limit else {}
    head = {"user_id": state.user_id, "version": state.version}
    return answered(write_body({**head, "history": found[:limit], **more}, request.media))


async def find_grant(store: Store, state: UserState, command_id: str) -> tuple[HistoryEntry, ...]:
    """What `undo_grant` has to know of this command's grant: see `domain.undo.grant_among`.

    Looks through the stored pages from the newest to the oldest; () when none has the grant.

    Raises:
        StorageError: a page cannot be read now, or not at all.
    """
    read = list(reversed(state.history))
    firsts = list(range(1, state.history_stored_through, HISTORY_PAGE))
    while firsts:
        some, firsts = firsts[-PAGES_AT_ONCE:], firsts[:-PAGES_AT_ONCE]
        pages = await asyncio.gather(*(_page(store, state.user_id, first) for first in some))
        for page in reversed(pages):
            read += reversed(page)
        if (found := grant_among(read, command_id)) is not None:
            return found
        # Of what was looked through only undos may still matter.
        read = [entry for entry in read if entry.undoes is not None]
    return ()


async def _page(store: Store, user_id: str, first: int) -> list[HistoryEntry]:
    page = await read_page(store, user_id, first)
    try:
        return msgspec.convert(page, list[HistoryEntry])
    except msgspec.ValidationError as error:
        raise Corrupt(f"{user_id}+{first}", 0, f"entries of wrong fields: {error}") from None


def _sequence(entry: Any) -> int:
    sequence: int = entry["sequence"] if isinstance(entry, dict) else entry.sequence
    return sequence

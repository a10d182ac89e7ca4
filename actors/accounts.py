"""A user's account beyond memory: full pages go to the store, old entries are read from there.

Not for: what an entry says (`domain.history`).
"""

from typing import Any

import msgspec
import structlog

from actors.answers import unavailable
from actors.envelope import Read, Reply, answered
from actors.user import HISTORY_LIMIT, UserActor, write_body
from domain.history import HISTORY_PAGE
from domain.state import history_page
from persistence.errors import StorageError
from persistence.history_pages import read_page, write_page
from persistence.store import Store

log = structlog.get_logger(__name__)


async def store_pages(store: Store, actor: UserActor) -> None:
    """Move full pages of durable entries to the store; an entry leaves memory once it stands there.

    A store that is away only means that the entries stay in memory until the next try.
    """
    try:
        while (page := history_page(actor.durable)) is not None:
            entries = msgspec.to_builtins(page[1])
            await write_page(store, actor.durable.user_id, entries)
            actor.forget_history_through(page[1][-1].sequence)
    except StorageError as error:
        log.error("a page of an account could not be stored", reason=str(error))
    finally:
        actor.pages_stored()


async def read_account(store: Store, actor: UserActor, request: Read) -> Reply:
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
        log.error("an account could not be read", reason=str(error))
        return unavailable(error)
    found += [entry for entry in state.history if entry.sequence > after]
    more = {"next_after": _sequence(found[limit - 1])} if len(found) > limit else {}
    head = {"user_id": state.user_id, "version": state.version}
    return answered(write_body({**head, "history": found[:limit], **more}, request.media))


def _sequence(entry: Any) -> int:
    sequence: int = entry["sequence"] if isinstance(entry, dict) else entry.sequence
    return sequence

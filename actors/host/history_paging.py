"""History paging: full pages of a user's history go to the store, old entries are read from there.

Pages are read by whoever asks for the history, and by an undo, which looks through all of it.

Not for: what an entry says (`domain.state.history`), or rows in memory (`actors.user.views`).
"""

import asyncio

import structlog

from actors.messages import Read, View
from actors.user.actor import UserActor
from actors.user.bodies import AnyReply, reply_with
from actors.user.refusals import unavailable
from actors.user.views import HISTORY_LIMIT
from domain.decide.undo import entries_about
from domain.state.history import HISTORY_PAGE, HistoryEntry
from domain.state.user_state import UserState, history_page
from persistence.codec.history_pages import read_page, write_page
from persistence.errors import StorageError
from persistence.store import Store

log = structlog.get_logger(__name__)

PAGES_AT_ONCE = 8
"""Pages read side by side by an undo that looks for its grants."""


def looks_further(actor: UserActor, on_its_way: asyncio.Future[int] | None, request: Read) -> bool:
    """Whether a read needs more than the durable rows in memory: see `read_further`."""
    if request.view is View.COMMAND:
        return on_its_way is not None
    return request.view is View.HISTORY and request.after < actor.durable.history_stored_through


async def read_further(
    store: Store, actor: UserActor, on_its_way: asyncio.Future[int] | None, request: Read
) -> AnyReply:
    """The answer to a read of a command while the user's newest turn is on its way to the disk, or
    of entries that have left memory."""
    if request.view is View.COMMAND and on_its_way is not None:
        await _commit_finished(on_its_way)
        return actor.read(request)
    return await read_history(store, actor, request)


async def store_pages(store: Store, actor: UserActor) -> None:
    """Move full pages of durable entries to the store; an entry leaves memory once it is stored.

    A store that is away only means that the entries stay in memory until the next try.
    """
    try:
        while (entries := history_page(actor.durable)) is not None:
            await write_page(store, actor.durable.user_id, entries)
            actor.forget_history_through(entries[-1].sequence)
    except StorageError as error:
        log.error("a history page could not be stored", reason=str(error))
    finally:
        actor.pages_stored()


async def read_history(store: Store, actor: UserActor, request: Read) -> AnyReply:
    """Entries of the history after `request.after`, out of pages first and then out of memory."""
    state = actor.durable
    limit = request.limit or HISTORY_LIMIT
    entries: list[HistoryEntry] = []
    after = request.after
    try:
        while len(entries) < limit and after < state.history_stored_through:
            first = after // HISTORY_PAGE * HISTORY_PAGE + 1
            page = await read_page(store, state.user_id, first)
            entries += [entry for entry in page if entry.sequence > after]
            after = page[-1].sequence
    except StorageError as error:
        log.error("a history could not be read", reason=str(error))
        return unavailable(error)
    entries += [entry for entry in state.history if entry.sequence > after]
    more = {"next_after": entries[limit - 1].sequence} if len(entries) > limit else {}
    head = {"user_id": state.user_id, "version": state.version}
    body = {**head, "history": entries[:limit], **more}
    return reply_with(body, request.media, state.position)


async def find_entries(store: Store, state: UserState, command_id: str) -> tuple[HistoryEntry, ...]:
    """What an undo of this command has to know out of the whole history, oldest first.

    Reads every stored page: an id may have granted again after its first grant had left memory.

    Raises:
        StorageError: a page cannot be read now, or not at all.
    """
    entries: list[HistoryEntry] = []
    firsts = range(1, state.history_stored_through, HISTORY_PAGE)
    for begin in range(0, len(firsts), PAGES_AT_ONCE):
        some = firsts[begin : begin + PAGES_AT_ONCE]
        pages = await asyncio.gather(*(read_page(store, state.user_id, first) for first in some))
        for page in pages:
            entries += entries_about(page, command_id)
    return (*entries, *entries_about(state.history, command_id))


async def _commit_finished(commit: asyncio.Future[int]) -> None:
    """Return when the commit is over, either way, and readers see what came of it."""
    if commit.done():
        await asyncio.sleep(0)  # the callback that swaps the rows in may be due only now
    else:
        await asyncio.wait([commit])

"""Reads of a loaded user: at once from durable rows, or once what they ask for is at hand.

Not for: the rows themselves (`user.UserActor.read`), or pages of an account (`accounts`).
"""

import asyncio

from actors.host.activation import Resident
from actors.host.history_paging import read_account
from actors.host.pending_replies import Answer, read_after
from actors.messages import Read, View
from persistence.store import Store


def answer_read(store: Store, resident: Resident, request: Read) -> Answer:
    """The answer, or one to come: of a command on its way, or of entries that left memory."""
    actor = resident.actor
    assert actor is not None
    if request.view is View.COMMAND and resident.pending is not None:
        return asyncio.ensure_future(read_after(resident.pending, actor, request))
    if request.view is View.HISTORY and request.after < actor.durable.history_stored_through:
        return asyncio.ensure_future(read_account(store, actor, request))
    return actor.read(request)

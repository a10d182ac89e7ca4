"""Reads of a loaded user: at once from durable rows, or once what they ask for is at hand.

Not for: the rows themselves (`user.UserActor.read`), or pages of an account (`accounts`).
"""

import asyncio

from actors.host.activation import Activation
from actors.host.history_paging import read_history
from actors.host.pending_replies import Answer, read_after
from actors.messages import Read, View
from persistence.store import Store


def answer_read(store: Store, activation: Activation, request: Read) -> Answer:
    """The answer, or one to come: of a command on its way, or of entries that left memory."""
    actor = activation.actor
    assert actor is not None
    if request.view is View.COMMAND and activation.pending is not None:
        return asyncio.ensure_future(read_after(activation.pending, actor, request))
    if request.view is View.HISTORY and request.after < actor.durable.history_stored_through:
        return asyncio.ensure_future(read_history(store, actor, request))
    return actor.read(request)

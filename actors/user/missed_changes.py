"""What a reader has missed: the changes since a position, out of the receipts, or everything.

A receipt holds what its command changed, one for each version, and the newest `receipt_window` of
them are kept as long as the user is.  So whoever was away for less is told exactly what happened.

Not for: changes as they happen (`actors.host.watches`).
"""

from collections.abc import Iterable
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from actors.messages import Read, ReadChanges, Reply, View, answered
from actors.user.bodies import AnyReply, LargeReply, reply_with
from actors.user.views import rows_of
from domain.rules.compiled_rules import Rules
from domain.state.position import Position
from domain.state.receipts import Receipt
from domain.state.user_state import UserState

MissedChange = tuple[int, str, bytes]
"""A version, the command that wrote it, and its decision as it is stored."""


class Why(StrEnum):
    """Why a reader gets the whole state in place of what was missed.

    `first`: they name no position.  `era`: theirs is of another line of versions; `restored`: so,
    because an operator put the user into the store.  `too_old`: receipts do not reach back so far.
    `ahead`: they know a version that is none yet, which must never happen.
    """

    FIRST = "first"
    ERA = "era"
    TOO_OLD = "too_old"
    RESTORED = "restored"
    AHEAD = "ahead"


_encode = msgspec.msgpack.Encoder().encode
decode_missed = msgspec.msgpack.Decoder(list[MissedChange]).decode


def missed_or_why(
    state: UserState, receipts: Iterable[Receipt], after: Position | None, store_era: str
) -> list[MissedChange] | Why:
    """The durable changes after a position, oldest first, or why they cannot be told."""
    era = state.era or store_era  # a user who never changed will be of the store's
    if after is None:
        return Why.FIRST
    if after.era not in ("", era):
        return Why.RESTORED if store_era not in ("", era) else Why.ERA
    if after.version > state.version:
        return Why.AHEAD
    changes = [
        (receipt.version, receipt.command_id, receipt.decision)
        for receipt in receipts
        if after.version < receipt.version <= state.version
    ]
    return changes if len(changes) == state.version - after.version else Why.TOO_OLD


def answer_changes(
    state: UserState,
    receipts: Iterable[Receipt],
    rules: Rules,
    request: ReadChanges,
    store_era: str,
) -> AnyReply:
    """The answer to `request` out of durable rows and receipts; see there."""
    era = state.era or store_era
    position = str(Position(era, state.version))
    missed = missed_or_why(state, receipts, request.after, store_era)
    if not isinstance(missed, Why):
        return answered(_encode(missed), position)
    view = View.UNSETTLED if request.unsettled else View.USER
    rows = rows_of(state, rules, Read(state.user_id, view, "", request.media))
    assert not isinstance(rows, Reply)  # no row is named that might not be there
    shown = {name: rows[name] for name in rows if _is_shown(name, request.rows)}
    head = {"type": "state", "era": era, "version": state.version, "why": missed}
    reply = reply_with({**head, **shown}, request.media, position)
    if isinstance(reply, LargeReply):
        reply.head = replace(reply.head, detail=missed)
        return reply
    return replace(reply, detail=missed)


def _is_shown(name: str, rows: tuple[str, ...]) -> bool:
    return not rows or name in rows or name == "left_out"

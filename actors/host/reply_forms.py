"""Replies in the form that was asked for: without what changed, or of a turn that never happens.

Not for: the whole reply, which is journalled and repeated (`user`).
"""

from typing import Any

import msgspec

from actors.host.user import Turn, write_body
from actors.messages import Ask, Media, Reply, answered
from domain.messages.reply import BriefReply

_decode_brief = msgspec.msgpack.Decoder(BriefReply).decode


def decided_as(ask: Ask) -> Ask:
    """What the user is asked: for the reply as it is journalled where it will be rewritten."""
    if not (ask.brief or ask.dry_run):
        return ask
    return msgspec.structs.replace(ask, media=Media.MSGPACK)


def reply_to(ask: Ask, outcome: Turn | Reply, version: int) -> Reply:
    """The reply to a command that was `decided_as` it says.

    That of a dry run has `version`, the user's own, in place of the one that a turn makes.
    """
    reply = outcome.reply if isinstance(outcome, Turn) else outcome
    if reply.code or not (ask.brief or ask.dry_run):
        return reply
    if ask.brief:
        brief = _decode_brief(reply.body)
        if ask.dry_run and isinstance(outcome, Turn):
            brief = msgspec.structs.replace(brief, version=version)
        return answered(write_body(brief, ask.media))
    body: dict[str, Any] = msgspec.msgpack.decode(reply.body)
    if isinstance(outcome, Turn):
        body["version"] = version
    return answered(write_body(body, ask.media))

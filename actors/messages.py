"""What travels between the gateway and a user's actor: requests one way, replies the other.

Bodies leave a host as the client asked for them (JSON or msgpack), so that nobody on the way opens
them again.  Both directions are msgpack arrays, at most a batch at a time.
"""

from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct


class Media(StrEnum):
    """How a body is written."""

    JSON = "json"
    MSGPACK = "msgpack"


class View(StrEnum):
    """What can be read of a user."""

    USER = "user"
    UNSETTLED = "unsettled"
    PROGRESSION = "progression"
    CHAPTERS = "chapters"
    CHAPTER = "chapter"
    QUESTS = "quests"
    QUEST = "quest"
    BATTLES = "battles"
    BATTLE = "battle"
    HISTORY = "history"
    COMMAND = "command"


class Ask(Struct, frozen=True, array_like=True, tag=True):
    """A command for one user.  `fields` were checked by `domain.commands.decode_command`."""

    user_id: str
    fields: dict[str, Any]
    media: Media


class Read(Struct, frozen=True, array_like=True, tag=True):
    """A look at one user's durable rows; writes nothing and delays no passivation.

    Attributes:
        key: the row, where the view is of one; in a list, the row after which the page begins.
        after: the same in the history: a sequence.
        limit: rows of a page at most; 0 where the reader names none.
        only: the states that rows of a list are to have; empty for all of them.
    """

    user_id: str
    view: View
    key: str
    media: Media
    after: int = 0
    limit: int = 0
    only: tuple[str, ...] = ()


Request = Ask | Read


class Reply(Struct, frozen=True, array_like=True):
    """The answer to one request: a body with `code` empty, or a refusal with its code and sentence.

    `retry_after_ms` is set on refusals that are worth asking again, unchanged.
    """

    code: str
    body: bytes
    detail: str
    retry_after_ms: int | None = None


def answered(body: bytes) -> Reply:
    """A reply that carries a body."""
    return Reply("", body, "")


def refused(code: str, detail: str, retry_after_ms: int | None = None) -> Reply:
    """A reply that carries a refusal."""
    return Reply(code, b"", detail, retry_after_ms)


encode = msgspec.msgpack.Encoder().encode
decode_requests = msgspec.msgpack.Decoder(list[Request]).decode
decode_replies = msgspec.msgpack.Decoder(list[Reply]).decode

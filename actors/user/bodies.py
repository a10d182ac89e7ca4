"""Bodies of replies, as the client asked for them: at once, or in slices where they are large.

msgspec holds the interpreter's lock while it encodes, in a thread too.  So a large body is encoded
on the event loop, a slice at a time, as fast as it is sent; everybody's turns come between.

Not for: what a body says (`views`, `user`), or how slices are sent (`actors.transport.outbox`).
"""

import asyncio
import os
from collections.abc import Iterator
from itertools import chain
from typing import Any

import msgspec
import structlog
from msgspec.structs import replace

from actors.errors import DeliveryCode
from actors.messages import Media, Reply, answered, refused
from persistence.codec.slices import json_slices, msgpack_slices

log = structlog.get_logger(__name__)

ANSWER_BYTES_MAX = 64 * 1024 * 1024
"""Bodies of one request group together; what goes beyond is refused as `answer_too_large`."""
ROWS_AT_ONCE = 32
"""A body of fewer rows is encoded at once."""

_to_json = msgspec.json.Encoder().encode
_to_msgpack = msgspec.msgpack.Encoder().encode


class LargeReply:
    """A reply whose body is not encoded yet: `head` is all of it but the body."""

    __slots__ = ("head", "slices")

    def __init__(self, head: Reply, slices: Iterator[bytes]) -> None:
        self.head = head
        self.slices = slices


AnyReply = Reply | LargeReply


def write_body(body: object, media: Media) -> bytes:
    """`body` as the client asked for it."""
    return _to_json(body) if media is Media.JSON else _to_msgpack(body)


def reply_with(body: dict[str, Any], media: Media, position: str) -> AnyReply:
    """The reply that carries `body`, whose lists and maps must not change any more."""
    tables = (value for value in body.values() if isinstance(value, list | tuple | dict))
    if sum(map(len, tables)) <= ROWS_AT_ONCE:
        return answered(write_body(body, media), position)
    slices = json_slices(body) if media is Media.JSON else msgpack_slices(body)
    begin = next(slices)
    more = next(slices, None)
    if more is None:
        return answered(begin, position)
    return LargeReply(answered(b"", position), chain((begin, more), slices))


def answer_too_large() -> Reply:
    """The refusal of an answer that cannot be carried.  A command may have been carried out."""
    return refused(
        DeliveryCode.ANSWER_TOO_LARGE,
        f"the answers to one request have at most {ANSWER_BYTES_MAX >> 20} MiB together: read a "
        "list in pages, send commands again, with the same ids, in a shorter list",
    )


def internal_error() -> Reply:
    """The refusal for the exception that is being handled, which is a bug; logged with its id."""
    request_id = os.urandom(8).hex()
    log.exception("a request failed", request_id=request_id)
    detail = f"a bug in the server; its log has the traceback under request_id {request_id}"
    return refused(DeliveryCode.INTERNAL, detail)


class AnswerLimit:
    """What is left of `ANSWER_BYTES_MAX` for one request group."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = ANSWER_BYTES_MAX

    def take(self, count: int) -> bool:
        """Whether so many bytes more have room; they are counted in either case."""
        self._left -= count
        return self._left >= 0


async def encoded(replies: list[AnyReply]) -> list[Reply]:
    """The replies of one request group with all their bodies; others have turns between slices."""
    limit = AnswerLimit()
    whole: list[Reply] = []
    for reply in replies:
        if isinstance(reply, LargeReply):
            reply = await _encoded(reply, limit)
        elif not limit.take(len(reply.body)):
            reply = answer_too_large()
        whole.append(reply)
    return whole


async def _encoded(reply: LargeReply, limit: AnswerLimit) -> Reply:
    slices: list[bytes] = []
    for slice_ in reply.slices:
        if not limit.take(len(slice_)):
            return answer_too_large()
        slices.append(slice_)
        await asyncio.sleep(0)
    return replace(reply.head, body=b"".join(slices))

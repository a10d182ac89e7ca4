"""Bodies of replies, as the client asked for them: at once, or in slices where they are large.

msgspec holds the interpreter's lock while it encodes, in a thread too.  So a large body is encoded
on the event loop, a slice at a time, as fast as it is sent; everybody's turns come between.

Not for: what a body says (`views`, `user`), or how slices are sent (`actors.transport.outbox`).
"""

import asyncio
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import msgspec
from msgspec.structs import replace

from actors.messages import Media, Reply, answered
from actors.user import refusals
from persistence.codec.slices import ListOf, json_slices, msgpack_slices

ROWS_AT_ONCE = 32
"""A body of fewer rows is encoded at once."""
JOINED_AT_ONCE = 1024 * 1024
"""So many bytes are put together at once; below, Python keeps its lock while it does."""

_ENCODE: dict[Media, Callable[[object], bytes]] = {
    Media.JSON: msgspec.json.Encoder().encode,
    Media.MSGPACK: msgspec.msgpack.Encoder().encode,
}


class LargeReply:
    """A reply whose body is not encoded yet: `head` is all of it but the body."""

    __slots__ = ("head", "slices")

    def __init__(self, head: Reply, slices: Iterator[bytes]) -> None:
        self.head = head
        self.slices = slices


AnyReply = Reply | LargeReply


def write_body(body: object, media: Media) -> bytes:
    """`body` as the client asked for it."""
    return _ENCODE[media](body)


def reply_with(body: dict[str, Any], media: Media, position: str) -> AnyReply:
    """The reply that carries `body`, whose lists and maps must not change any more."""
    if sum(map(_rows_in, body.values())) <= ROWS_AT_ONCE:
        whole = {
            name: list(value.items) if isinstance(value, ListOf) else value
            for name, value in body.items()
        }
        return answered(write_body(whole, media), position)
    slices = json_slices(body) if media is Media.JSON else msgpack_slices(body)
    begin = next(slices)
    more = next(slices, None)
    if more is None:
        return answered(begin, position)
    return LargeReply(answered(b"", position), chain((begin, more), slices))


def _rows_in(value: object) -> int:
    if isinstance(value, ListOf):
        return value.length
    return len(value) if isinstance(value, list | tuple | dict) else 0


class AnswerLimit:
    """What is left of `refusals.ANSWER_BYTES_MAX` for one request group."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = refusals.ANSWER_BYTES_MAX

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
            reply = refusals.answer_too_large()
        whole.append(reply)
    return whole


async def _encoded(reply: LargeReply, limit: AnswerLimit) -> Reply:
    slices: list[bytes] = []
    for slice_ in reply.slices:
        if not limit.take(len(slice_)):
            return refusals.answer_too_large()
        slices.append(slice_)
        await asyncio.sleep(0)
    return replace(reply.head, body=await _joined(slices))


async def _joined(parts: list[bytes]) -> bytes:
    """The parts in one piece; others have turns while megabytes are copied."""
    if sum(map(len, parts)) < JOINED_AT_ONCE:
        return b"".join(parts)
    return await asyncio.to_thread(b"".join, parts)  # which lets go of the interpreter's lock

"""Outbox of a host's connection: replies that are large leave in parts, others between the parts.

Many small reply groups share a frame, which leaves at once.  A large one is a stream of parts: one
part of one stream leaves in each turn of the event loop, and only while the other end reads.  So a
user of any size is sent without anybody else's reply waiting for more than a part.

Not for: what waits for a commit (`socket_server`).
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import cast

from msgspec.structs import replace

from actors.messages import Reply
from actors.transport.frames import BodyPart, DurableRecords, ReadAnew, ReplyGroup, frame
from actors.user.bodies import AnswerLimit, AnyReply, LargeReply
from actors.user.refusals import answer_too_large, internal_error

PART_BYTES = 64 * 1024
"""The bodies of a group that leaves at once, and what a part of a larger one has at most."""
FRAME_BYTES = 4 * PART_BYTES
"""Small groups share a frame of about this size."""
BUFFER_BYTES = 4 * PART_BYTES
"""Parts wait while so much has not been read by the other end."""
RECORDS_BEHIND_BYTES = 16 * 1024 * 1024
"""Unread bytes beyond which a gateway is told of no changes until it reads again."""


class Outbox:
    """What a host sends to one gateway."""

    def __init__(self, transport: asyncio.WriteTransport) -> None:
        self._transport = transport
        self._streams: deque[Iterator[bytearray]] = deque()
        self._paused = self._behind = False
        self._scheduled = False
        transport.set_write_buffer_limits(high=BUFFER_BYTES)

    def send(self, groups: Iterable[tuple[int, list[AnyReply]]]) -> None:
        """Send the replies under each correlation id."""
        small: list[ReplyGroup] = []
        size = 0
        for correlation_id, replies in groups:
            group_bytes = _bytes_of(replies)
            if group_bytes > PART_BYTES:
                self._streams.append(_in_parts(correlation_id, replies))
                continue
            small.append(ReplyGroup(correlation_id, cast(list[Reply], replies)))
            size += group_bytes
            if size > FRAME_BYTES:
                self._transport.write(frame(small))
                small, size = [], 0
        if small:
            self._transport.write(frame(small))
        if self._streams:
            self._schedule()

    def send_records(self, records: Sequence[bytes]) -> None:
        """Send what became durable of watched users, unless the other end is far behind.

        What is then left out is read from the receipts once it reads again.
        """
        if self._behind:
            return
        if self._transport.get_write_buffer_size() > RECORDS_BEHIND_BYTES:
            self._behind = True
            return
        some: list[bytes] = []
        size = 0
        for record in records:
            some.append(record)
            size += len(record)
            if size > FRAME_BYTES:
                self._transport.write(frame([DurableRecords(some)]))
                some, size = [], 0
        if some:
            self._transport.write(frame([DurableRecords(some)]))

    def send_read_anew(self) -> None:
        """Say that changes of watched users may be missing."""
        self._behind = False
        self._transport.write(frame([ReadAnew()]))

    def pause(self) -> None:
        """The other end does not read as fast as parts come."""
        self._paused = True

    def resume(self) -> None:
        """It does again."""
        self._paused = False
        if self._behind:
            self.send_read_anew()
        self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._send_part)

    def _send_part(self) -> None:
        self._scheduled = False
        if self._paused or not self._streams or self._transport.is_closing():
            return
        stream = self._streams.popleft()
        part = next(stream, None)
        if part is not None:
            self._transport.write(part)
            self._streams.append(stream)
        self._schedule()


def _bytes_of(replies: list[AnyReply]) -> int:
    """Bytes of all bodies; a body that is not encoded yet is too large for a frame with others."""
    size = 0
    for reply in replies:
        size += PART_BYTES + 1 if isinstance(reply, LargeReply) else len(reply.body)
    return size


def _in_parts(correlation_id: int, replies: list[AnyReply]) -> Iterator[bytearray]:
    """Frames with the parts of all bodies, and at last the replies without them."""
    limit = AnswerLimit()
    heads: list[Reply] = []
    parts: list[BodyPart] = []
    size = 0
    for place, reply in enumerate(replies):
        head = reply.head if isinstance(reply, LargeReply) else replace(reply, body=b"")
        try:
            for content in _contents(reply):
                if not limit.take(len(content)):
                    head = answer_too_large()
                    break
                parts.append(BodyPart(correlation_id, place, content))
                size += len(content)
                if size >= PART_BYTES:
                    yield frame(parts)
                    parts, size = [], 0
        except Exception:
            head = internal_error()
        heads.append(head)
    yield frame([*parts, ReplyGroup(correlation_id, heads)])


def _contents(reply: AnyReply) -> Iterator[bytes]:
    slices = reply.slices if isinstance(reply, LargeReply) else iter((reply.body,))
    for slice_ in slices:
        for begin in range(0, len(slice_), PART_BYTES):
            yield slice_[begin : begin + PART_BYTES]

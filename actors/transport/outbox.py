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
PARTS_AT_ONCE = 16
"""Parts of one answer that leave as fast as they can: a megabyte."""
PART_SECONDS = 0.001
"""Between the later ones, so that an answer of any size leaves most of the processor to others."""
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
        # With each stream how many of its parts have left; of the long ones many have.
        self._streams: deque[tuple[Iterator[bytearray], int]] = deque()
        self._long_streams: deque[tuple[Iterator[bytearray], int]] = deque()
        self._paused = self._behind = False
        self._scheduled = self._long_scheduled = False
        transport.set_write_buffer_limits(high=BUFFER_BYTES)

    def send(self, groups: Iterable[tuple[int, list[AnyReply]]]) -> None:
        """Send the replies under each correlation id."""
        small: list[ReplyGroup] = []
        size = 0
        for correlation_id, replies in groups:
            group_bytes = _bytes_of(replies)
            if group_bytes > PART_BYTES:
                self._streams.append((_in_parts(correlation_id, replies), 0))
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
        loop = asyncio.get_running_loop()
        if self._streams and not self._scheduled:
            self._scheduled = True
            loop.call_soon(self._send_part)
        if self._long_streams and not self._long_scheduled:
            self._long_scheduled = True
            loop.call_later(PART_SECONDS, self._send_long_part)

    def _send_part(self) -> None:
        self._scheduled = False
        if self._streams and self._can_send:
            stream, parts = self._streams.popleft()
            if self._sent_part_of(stream):
                others = self._streams if parts + 1 < PARTS_AT_ONCE else self._long_streams
                others.append((stream, parts + 1))
            self._schedule()

    def _send_long_part(self) -> None:
        self._long_scheduled = False
        if self._long_streams and self._can_send:
            stream, parts = self._long_streams.popleft()
            if self._sent_part_of(stream):
                self._long_streams.append((stream, parts + 1))
            self._schedule()

    @property
    def _can_send(self) -> bool:
        return not self._paused and not self._transport.is_closing()

    def _sent_part_of(self, stream: Iterator[bytearray]) -> bool:
        part = next(stream, None)
        if part is not None:
            self._transport.write(part)
        return part is not None


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

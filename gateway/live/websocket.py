"""One WebSocket on a transport: bytes to whole messages and back (RFC 6455), by `websockets`.

No extension is spoken.  What arrives after a close, ours or theirs, is dropped.

Not for: what messages say (`client_frames`, `server_frames`) or when to close (`connection`).
"""

import asyncio
import logging

from websockets.frames import CloseCode as StandardCode
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side, State

from gateway.live.close_codes import Close, CloseCode

# Its only line a connection is "connection closed".
_LOGGER = logging.getLogger("websockets.server")
_LOGGER.setLevel(logging.WARNING)


class _Protocol(Protocol):
    """The library's, but for one answer: whoever leaves in the middle of a message just leaves."""

    def recv_frame(self, frame: Frame) -> None:
        if frame.opcode is Opcode.CLOSE:
            self.current_size = None  # it would be told 1002: "incomplete fragmented message"
        super().recv_frame(frame)


_PONG, _PONG_BYTES = b"\x8a\x80", 6
"""The answer to a ping without content: this, and a mask."""
_HEAD_BYTES, _LENGTHS = 6, ((125, 0), (65_535, 2))


def heartbeat(tick: bytes, *, text: bool) -> bytes:
    """A ping and a message, as bytes that any number of connections may send."""
    opcode = Opcode.TEXT if text else Opcode.BINARY
    frames = (Frame(Opcode.PING, b""), Frame(opcode, tick))
    return b"".join(frame.serialize(mask=False) for frame in frames)


class WebSocket:
    """An open WebSocket, after its handshake.

    Attributes:
        written: bytes that were given to the transport.
        closed: how it ended, or is ending; None while it is open.
    """

    __slots__ = ("_begun", "_opcode", "_protocol", "_transport", "_unparsed", "closed", "written")

    def __init__(self, transport: asyncio.Transport, *, text: bool, message_bytes_max: int) -> None:
        self.written = 0
        self.closed: Close | None = None
        self._transport = transport
        self._opcode = Opcode.TEXT if text else Opcode.BINARY
        self._protocol = _Protocol(
            Side.SERVER, state=State.OPEN, max_size=message_bytes_max, logger=_LOGGER
        )
        self._begun: bytearray | None = None  # a message of which only some fragments are here
        self._unparsed = 0  # bytes of a frame that is not whole; at least as many as there are

    def receive(self, data: bytes) -> list[bytes]:
        """The messages that are whole with `data`; text ones are UTF-8."""
        if self._protocol.eof_sent:
            return []
        if len(data) == _PONG_BYTES and data.startswith(_PONG) and not self._unparsed:
            return []  # most of what quiet clients send
        self._unparsed += len(data)
        self._protocol.receive_data(data)
        messages = []
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                self._unparsed -= _size(event)
                if (message := self._whole(event)) is not None:
                    messages.append(message)
        if self.closed is None and self._protocol.state is not State.OPEN:
            self.closed = self._how_it_ended()
        self._write()
        return messages

    def send(self, message: bytes) -> None:
        """Send a whole message; nothing once it is closing."""
        if self.closed is None:
            self._protocol.send_frame(Frame(self._opcode, message))
            self._write()

    def send_frames(self, frames: bytes) -> None:
        """Send frames that are bytes already: see `heartbeat`."""
        if self.closed is None:
            self.written += len(frames)
            self._transport.write(frames)

    def close(self, close: Close) -> None:
        """Say goodbye; a second time changes nothing."""
        if self.closed is None:
            self.closed = close
            self._protocol.send_close(close.code, close.reason)
            self._write()

    def release(self) -> None:
        """The socket is lost.  Parser and protocol refer to each other: break that cycle."""
        self._protocol.parser.close()
        del self._protocol.parser

    def _whole(self, frame: Frame) -> bytes | None:
        """The message that this frame completes."""
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT) or self.closed:
            return None
        if frame.opcode is not Opcode.CONT and frame.opcode is not self._opcode:
            self._fail(CloseCode.NOT_THIS_FORMAT, "text for json, binary for msgpack")
            return None
        message = bytes(frame.data)
        if not frame.fin or self._begun is not None:
            self._begun = bytearray() if self._begun is None else self._begun
            self._begun += message
            if not frame.fin:
                return None
            message, self._begun = bytes(self._begun), None
        if self._opcode is Opcode.TEXT and not _is_utf8(message):
            self._fail(CloseCode.NOT_UTF8, "")
            return None
        return message

    def _fail(self, code: CloseCode, reason: str) -> None:
        self.closed = Close(code, reason)
        if self._protocol.state is State.OPEN:
            self._protocol.fail(int(code), reason)

    def _how_it_ended(self) -> Close:
        closes = (self._protocol.close_rcvd, self._protocol.close_sent)
        known = next((close for close in closes if close is not None), None)
        return Close(StandardCode.ABNORMAL_CLOSURE if known is None else known.code)

    def _write(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self.written += len(data)
                self._transport.write(data)
            elif self._transport.can_write_eof() and not self._transport.is_closing():
                # Not closed at once: bytes unread would reset it, and our last words be lost.
                self._transport.write_eof()


def _size(frame: Frame) -> int:
    """Bytes of a client's frame on the line; of one that spells its length oddly, too few."""
    length = len(frame.data)
    extra = next((extra for most, extra in _LENGTHS if length <= most), 8)
    return _HEAD_BYTES + extra + length


def _is_utf8(message: bytes) -> bool:
    if message.isascii():
        return True
    try:
        message.decode()
    except UnicodeDecodeError:
        return False
    return True

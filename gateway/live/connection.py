"""One live connection: a WebSocket within limits of size, of time, and of what may wait.

Not for: what frames do (`conversation`), bytes (`websocket`), all connections (`connections`).
"""

import asyncio
import time
from typing import cast
from uuid import uuid4

import structlog

from actors.errors import DeliveryCode, DeliveryError
from actors.messages import Media
from gateway.api.changes.connection_frames import MovingFrame, TokenExpiringFrame
from gateway.api.media import join
from gateway.http.messages import UpgradedProtocol
from gateway.live.client_frames import NotAFrame
from gateway.live.close_codes import LEAVE_SECONDS_MAX, Close, CloseCode, close_of
from gateway.live.connections import LiveConnections
from gateway.live.conversation import Conversation
from gateway.live.liveness import Liveness
from gateway.live.opening import Wish
from gateway.live.server_frames import micros, written
from gateway.live.user_line import UserLine
from gateway.live.websocket import WebSocket
from gateway.problems import undelivered

WAITING_BYTES_MAX = 256 * 1024
"""Most that waits to be sent to one connection; a `state` counts alone."""
UNREAD_SECONDS_MAX = 10.0
MESSAGE_BYTES = 64 * 1024
"""About as much is put into one message to a client."""

log = structlog.get_logger("questkeep.live")


class LiveConnection(UpgradedProtocol):
    """A client's WebSocket.

    Attributes:
        paused: the client does not read: nothing more is sent.
        ended: its socket is lost.
    """

    def __init__(self, wish: Wish, gateway: LiveConnections) -> None:
        self.wish = wish
        self.paused = self.ended = False
        self._gateway = gateway
        self._limits = gateway.limits_of(wish.caller)
        self._loop = asyncio.get_running_loop()
        self._ready: list[bytes] = []
        self._reading = True
        self._paused_at = self._closing_at = self.due_at = 0.0
        self._unsent = 0  # bytes, when that was last looked at
        self.liveness = Liveness(wish.caller, gateway.ping_seconds(), self._loop.time())
        self._conversation = Conversation(self, gateway, self._limits)

    # -- the transport's side ----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=WAITING_BYTES_MAX)
        self._socket = WebSocket(
            self._transport,
            text=self.wish.media is Media.JSON,
            message_bytes_max=self._limits.frame_bytes,
        )
        try:
            self._gateway.opened(self)
            self._conversation.begin()
        except Exception as error:
            self.broke(error)

    def data_received(self, data: bytes) -> None:
        self.liveness.heard()
        messages = self._socket.receive(data)
        self.written = self._socket.written
        try:
            for message in messages:
                if not self._closing_at:
                    self._conversation.take(message)
        except NotAFrame as error:
            self.close(error.close)
        except Exception as error:
            self.broke(error)
        if self._socket.closed is not None:
            self._begin_leaving()
        self.read_or_not()

    def eof_received(self) -> bool:
        return False

    def pause_writing(self) -> None:
        self.paused = True
        self.due_at = 0.0
        self._paused_at = self._loop.time()
        self._unsent = self._transport.get_write_buffer_size()
        self.read_or_not()

    def resume_writing(self) -> None:
        self.paused = False
        try:
            if not self._closing_at:
                self._conversation.go_on()
        except Exception as error:
            self.broke(error)
        self.read_or_not()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = True
        self._gateway.closed(self, self._socket.closed)
        self._conversation.end()
        self._socket.release()
        del self._conversation  # they refer to each other: only the collector would free them

    # -- the conversation's side -------------------------------------------------------------------

    def put(self, frame: bytes) -> None:
        """See `Sink`: frames of one moment leave in one message."""
        if not self._ready:
            self._loop.call_soon(self._flush_ready)
        self._ready.append(frame)

    def resumed(self, how: str) -> None:
        """See `Sink`."""
        self._gateway.count_resume(how)

    def failed(self, line: UserLine, error: DeliveryError) -> None:
        """See `Sink`: a line of many tries again by itself; the only one is for the client to."""
        if self.wish.only is None:
            self._conversation.try_again(line)
        elif error.code is DeliveryCode.INTERNAL:
            self.broke(error)
        else:
            self.close(close_of(undelivered(error)))

    def broke(self, error: Exception) -> None:
        """See `Sink`: the log has more, under the id that the client is told."""
        request_id = uuid4().hex
        log.error("a live connection failed", request_id=request_id, exc_info=error)
        self._ready.clear()  # they may be what is wrong; the client resumes
        self.close(Close(CloseCode.BUG, request_id))

    def look_again(self) -> None:
        """See `Connection`."""
        self.due_at = 0.0

    def read_or_not(self) -> None:
        """Read on only while the client reads, and while it does not wait for too many answers."""
        unanswered = self._conversation.unanswered
        reading = not self.paused and unanswered < self._limits.unanswered
        if reading != self._reading and not self.ended:
            self._reading = reading
            self.liveness.heard()
            change = self._transport.resume_reading if reading else self._transport.pause_reading
            change()

    # -- deadlines and the end ---------------------------------------------------------------------

    def check_deadlines(self, now: float) -> None:
        """See `UpgradedProtocol`."""
        if self._closing_at:
            if now - self._closing_at > LEAVE_SECONDS_MAX:
                self._transport.abort()
        elif self.paused:
            unsent = self._transport.get_write_buffer_size()
            if unsent < self._unsent:  # a slow client is one that reads
                self._paused_at, self._unsent = now, unsent
            if now - self._paused_at > UNREAD_SECONDS_MAX:
                self.close(Close(CloseCode.DID_NOT_READ))
        else:
            try:
                self._conversation.show_rules()
                if now >= self.due_at:
                    self._look_after(now)
            except Exception as error:
                self.broke(error)

    def close(self, close: Close) -> None:
        """Say goodbye, after whatever is ready."""
        if self.ended:
            return
        self._flush()
        self._socket.close(close)
        self.written = self._socket.written
        self._begin_leaving()

    def end(self) -> None:
        """See `UpgradedProtocol`: each client gets another moment to come back in."""
        if not self._closing_at:
            self.put(written(MovingFrame(self._gateway.next_moment_ms()), self.wish.media))
            self.close(Close(CloseCode.GOING_AWAY))

    def _look_after(self, now: float) -> None:
        """See to silence and to the token; and say when that is to be looked at again."""
        liveness, wall = self.liveness, time.time()
        if self._reading and liveness.is_silent(now):
            self.close(Close(CloseCode.SILENT))
            return
        if liveness.has_expired(wall):
            self.close(Close(CloseCode.TOKEN, "the token has expired"))
            return
        if liveness.expires_soon(wall):
            expires_at = micros(liveness.expires_at)
            self.put(written(TokenExpiringFrame(expires_at), self.wish.media))
        if liveness.wants_ping(now):
            self._flush()
            self._socket.send_frames(self._gateway.heartbeat(self.wish.media, now))
            self.written = self._socket.written
            liveness.sent(now)
        self.due_at = liveness.due_at(now, wall)

    def _flush_ready(self) -> None:
        try:
            self._flush()
        except Exception as error:
            self.broke(error)

    def _flush(self) -> None:
        ready, self._ready = self._ready, []
        if not ready or self.ended:
            return
        for part in _parts(ready):
            self._socket.send(part[0] if len(part) == 1 else join(part, self.wish.media))
        self.liveness.sent(self._loop.time())
        self.written = self._socket.written

    def _begin_leaving(self) -> None:
        if not self._closing_at:
            self._closing_at = self._loop.time()
            self.due_at = 0.0
            self._conversation.end()


def _parts(frames: list[bytes]) -> list[list[bytes]]:
    """Frames for one message each: about as much as fits into it, and one at least."""
    parts: list[list[bytes]] = []
    room = 0
    for frame in frames:
        if not parts or len(frame) > room:
            parts.append([])
            room = MESSAGE_BYTES
        parts[-1].append(frame)
        room -= len(frame)
    return parts

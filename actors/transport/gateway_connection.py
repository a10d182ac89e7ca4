"""The gateway's end of one connection to a packed host: frames in, bytes out.

Not for: what is sent again when it breaks (`socket_channel`).
"""

import asyncio
from typing import Protocol, cast

import msgspec
import structlog

from actors.transport.frames import Frames, FrameTooLarge

log = structlog.get_logger(__name__)


class Receiver(Protocol):
    """Whoever a connection belongs to."""

    def received(self, payload: bytes) -> None:
        """A frame of the host's has arrived."""
        ...

    def broken(self) -> None:
        """The connection is gone."""
        ...


class GatewayConnection(asyncio.Protocol):
    """One life of the socket.

    Attributes:
        lost: it is gone.
    """

    def __init__(self, channel: Receiver) -> None:
        self._channel: Receiver | None = channel
        self._frames = Frames()
        self._transport: asyncio.WriteTransport | None = None
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        if self._channel is not None:
            self._channel.broken()

    def data_received(self, data: bytes) -> None:
        try:
            for payload in self._frames.feed(data):
                if self._channel is not None:
                    self._channel.received(payload)
        except (FrameTooLarge, msgspec.MsgspecError) as error:
            log.error("a host sent no frame of ours", reason=str(error))
            if self._transport is not None:
                self._transport.abort()

    def send(self, data: bytes | bytearray) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def close(self) -> None:
        """End without telling the channel, which knows."""
        self._channel = None
        if self._transport is not None:
            self._transport.abort()

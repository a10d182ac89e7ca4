"""A client that writes whatever bytes a test wants, and reads frames and closes as they are."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from tests.gateway.gateway_kit import PLAYER
from tests.gateway.live.live_kit import JSON, PATIENCE_SECONDS, Server

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
MASK = b"\x37\xfa\x21\x3d"


class Heard(NamedTuple):
    """One frame of the server's."""

    opcode: int
    payload: bytes
    fin: bool = True


class Answered(NamedTuple):
    """What a handshake was answered with."""

    status: int
    headers: dict[str, str]
    body: bytes


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    reserved: int = 0,
    masked: bool = True,
    length: int | None = None,
) -> bytes:
    """A client's frame; `length` is what it says of its payload, whatever is true."""
    said = len(payload) if length is None else length
    head = bytes([fin << 7 | reserved << 4 | opcode])
    bit = masked << 7
    if said < 126:
        head += bytes([bit | said])
    elif said < 65_536:
        head += bytes([bit | 126]) + struct.pack("!H", said)
    else:
        head += bytes([bit | 127]) + struct.pack("!Q", said)
    if not masked:
        return head + payload
    return head + MASK + bytes(byte ^ MASK[at % 4] for at, byte in enumerate(payload))


def closing(code: int | None = None, reason: bytes = b"") -> bytes:
    """A client's close."""
    return frame(CLOSE, b"" if code is None else struct.pack("!H", code) + reason)


class Raw:
    """A connection, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        """Write bytes as they are."""
        with contextlib.suppress(ConnectionError):
            self.writer.write(data)

    async def hear(self) -> Heard | None:
        """The next frame; None at the end of the connection."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                first, second = await self.reader.readexactly(2)
                assert not second & 0x80, "a server's frames are not masked"
                length = second & 0x7F
                if length == 126:
                    [length] = struct.unpack("!H", await self.reader.readexactly(2))
                elif length == 127:
                    [length] = struct.unpack("!Q", await self.reader.readexactly(8))
                payload = await self.reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        assert not first & 0x70, "no extension was negotiated"
        return Heard(first & 0x0F, payload, bool(first & 0x80))

    async def hear_all(self) -> list[Heard]:
        """Every frame until the end of the connection; a close is answered."""
        heard = []
        while (each := await self.hear()) is not None:
            heard.append(each)
            if each.opcode == CLOSE:
                self.send(closing(1000))
        return heard

    async def closed(self) -> tuple[int, str]:
        """The server's close; nothing comes behind it."""
        *_, last = await self.hear_all() or [Heard(CLOSE, b"\x03\xee")]
        assert last.opcode == CLOSE, last
        if not last.payload:
            return 1005, ""
        return struct.unpack("!H", last.payload[:2])[0], last.payload[2:].decode()

    async def answer(self) -> Answered:
        """The answer to the handshake."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            status, *lines = head.rstrip().split("\r\n")
            pairs = (line.split(": ", 1) for line in lines)
            headers = {name.lower(): value for name, value in pairs}
            body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return Answered(int(status.split(" ")[1]), headers, body)


@asynccontextmanager
async def raw(server: Server) -> AsyncIterator[Raw]:
    """A TCP connection to the server; it is aborted at the end."""
    address = server.listener.address
    reader, writer = await asyncio.open_connection(address.ip, address.port)
    try:
        yield Raw(reader, writer)
    finally:
        writer.transport.abort()


def handshake(
    path: str = "/v1/users/me/live",
    bearer: str | None = PLAYER,
    protocol: str | None = JSON,
    **changes: str | None,
) -> bytes:
    """A handshake; `changes` lay over its headers, None takes one away."""
    headers: dict[str, str | None] = {
        "Host": "game.example",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Protocol": protocol,
        "Authorization": None if bearer is None else f"Bearer {bearer}",
    }
    headers |= {name.replace("_", "-"): value for name, value in changes.items()}
    lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return "\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode("latin-1")


@asynccontextmanager
async def opened(
    server: Server, path: str = "/v1/users/me/live", **more: str | None
) -> AsyncIterator[Raw]:
    """A connection that was upgraded, and was told everything that comes first."""
    async with raw(server) as client:
        client.send(handshake(path, **more))
        answer = await client.answer()
        assert answer.status == 101, answer
        heard = await client.hear()
        while heard is not None and b"caught_up" not in heard.payload:
            heard = await client.hear()
        assert heard is not None
        yield client

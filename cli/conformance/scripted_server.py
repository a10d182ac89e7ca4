"""A server that does nothing by itself: every connection is handed to the case, which plays it.

Not for: what is played (the cases).
"""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import msgspec
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from cli.conformance.client_under_test import Failed

Frame = dict[str, Any]
FORMATS = (Subprotocol("questkeep.v1.json"), Subprotocol("questkeep.v1.msgpack"))
BEARER = "bearer."
CLOSE_CODES = {401: 4401, 403: 4403, 503: 4503}
PATIENCE_SECONDS = 10.0
Refusal = Callable[[str], tuple[int, Frame] | None]


class Line:
    """One connection of the client, as the server sees it."""

    def __init__(self, socket: ServerConnection) -> None:
        request = socket.request
        assert request is not None
        parts = urlsplit(request.path)
        self.path = parts.path
        self.query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        self.token = token_of(request.headers)
        self.format = socket.subprotocol
        self.longest_list = 0
        self.largest = 0
        """The longest list of frames and the largest message (bytes) that came so far."""
        self._socket = socket
        self._taken: list[Frame] = []

    async def send(self, *frames: Frame) -> None:
        """Send frames: one alone, several as one list."""
        content: Any = frames[0] if len(frames) == 1 else list(frames)
        await self.send_raw(self._write(content))

    async def send_raw(self, message: str | bytes) -> None:
        """Send a message as it stands."""
        with suppress(ConnectionClosed):
            await self._socket.send(message)

    async def take(self, seconds: float = PATIENCE_SECONDS) -> Frame:
        """The client's next frame; of a list, one at a time.

        Raises:
            Failed: nothing came, or the client closed.
        """
        while not self._taken:
            try:
                async with asyncio.timeout(seconds):
                    message = await self._socket.recv()
            except TimeoutError:
                raise Failed(f"expected a frame from the client within {seconds:g} s") from None
            except ConnectionClosed as closed:
                raise Failed(f"expected a frame, but the client closed: {closed}") from None
            frames = self._read(message)
            listed = frames if isinstance(frames, list) else [frames]
            self.longest_list = max(self.longest_list, len(listed))
            self.largest = max(self.largest, len(message))
            self._taken += listed
        return self._taken.pop(0)

    async def take_of(self, kind: str) -> Frame:
        """The client's next frame of this type; others before it are let go.

        Raises:
            Failed: none came.
        """
        while True:
            frame = await self.take()
            if frame.get("type") == kind:
                return frame

    async def nothing_comes(self, seconds: float) -> None:
        """The client says nothing for a while.

        Raises:
            Failed: it did.
        """
        try:
            frame = await self.take(seconds)
        except Failed:
            return
        raise Failed(f"expected no frame, got {json.dumps(frame)[:300]}")

    async def left(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until the client has closed this connection.

        Raises:
            Failed: it stayed.
        """
        try:
            async with asyncio.timeout(seconds):
                with suppress(ConnectionClosed):
                    while True:
                        await self._socket.recv()
        except TimeoutError:
            raise Failed(f"expected the client to leave this connection in {seconds:g} s") from None

    async def close(self, code: int = 1001, reason: str = "") -> None:
        """Close with a code."""
        await self._socket.close(code, reason)

    def cut(self) -> None:
        """Break the connection without a word."""
        self._socket.transport.abort()

    def _write(self, content: Any) -> str | bytes:
        if self.format == FORMATS[1]:
            return msgspec.msgpack.encode(content)
        return json.dumps(content)

    def _read(self, message: str | bytes) -> Any:
        if isinstance(message, str):
            return json.loads(message)
        return msgspec.msgpack.decode(message)


class ScriptedServer:
    """Listens on a free port of loopback; connections wait in order until a case takes them."""

    def __init__(self) -> None:
        self.refuse: Refusal = lambda token: None
        """Says what is answered in place of an upgrade: a status and a problem; None: nothing."""
        self.refused = 0
        self.knocked, self.let_in = asyncio.Event(), asyncio.Event()
        """Set once a client asks for an upgrade; and while it gets one at once."""
        self.let_in.set()
        self._lines: asyncio.Queue[Line] = asyncio.Queue()
        self._server: Server | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        self._server = await serve(
            self._hold,
            "127.0.0.1",
            0,
            select_subprotocol=_select,
            process_request=self._maybe_refuse,
            compression=None,
            ping_interval=None,
            max_size=None,
            close_timeout=0.5,
        )
        port = next(iter(self._server.sockets)).getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close(close_connections=True)
        await self._server.wait_closed()

    async def line(self, seconds: float = PATIENCE_SECONDS) -> Line:
        """The client's next connection.

        Raises:
            Failed: it does not connect.
        """
        try:
            async with asyncio.timeout(seconds):
                return await self._lines.get()
        except TimeoutError:
            raise Failed(f"expected the client to connect within {seconds:g} s") from None

    async def no_line(self, seconds: float) -> None:
        """The client stays away.

        Raises:
            Failed: it connected.
        """
        try:
            await self.line(seconds)
        except Failed:
            return
        raise Failed(f"expected the client to stay away, but it connected within {seconds:g} s")

    async def _hold(self, socket: ServerConnection) -> None:
        line = Line(socket)
        refusal = self.refuse(line.token)
        if refusal is None:
            self._lines.put_nowait(line)
            await socket.wait_closed()
        else:
            self.refused += 1
            await socket.close(CLOSE_CODES[refusal[0]], "retry_after_ms=0")

    async def _maybe_refuse(self, socket: ServerConnection, request: Request) -> Response | None:
        """Refuse the upgrade; a browser, which would not see why, is refused by a close code."""
        self.knocked.set()
        await self.let_in.wait()
        refusal = self.refuse(token_of(request.headers))
        if refusal is None or _offers_bearer(request.headers):
            return None
        self.refused += 1
        status, problem = refusal
        body = json.dumps({"status": status, **problem}).encode()
        headers = Headers({"Content-Type": "application/problem+json"})
        headers["Content-Length"] = str(len(body))
        return Response(status, HTTPStatus(status).phrase, headers, body)


def token_of(headers: Headers) -> str:
    """The token of a request: in `Authorization`, or offered as a subprotocol."""
    offered = _offers_bearer(headers)
    return offered.removeprefix(BEARER) or headers.get("Authorization", "").removeprefix("Bearer ")


def _offers_bearer(headers: Headers) -> str:
    offered = [part.strip() for part in headers.get("Sec-WebSocket-Protocol", "").split(",")]
    return next((part for part in offered if part.startswith(BEARER)), "")


def _select(socket: ServerConnection, offered: Any) -> Subprotocol | None:
    return next((name for name in offered if name in FORMATS), None)

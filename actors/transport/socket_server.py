"""The host's end of the direct channel: takes groups off a socket, sends replies as they may leave.

All groups that wait for the same commit are answered in one frame when it is durable.
"""

import asyncio
from collections import deque
from typing import cast

import structlog

from actors.host.host import Host
from actors.host.pending_replies import PendingReplies
from actors.transport.addresses import Identity
from actors.transport.frames import Frames, FrameTooLarge, ReplyGroup, decode_request_groups, frame
from actors.transport.handshake import listen

log = structlog.get_logger(__name__)


class SocketServer:
    """Listens for gateways, of this node or of others."""

    def __init__(self, server: asyncio.Server) -> None:
        self._server = server

    @classmethod
    async def listen(cls, host: Host, path: str) -> "SocketServer":
        """Serve `host` at `path`, whose folder says who may connect."""
        loop = asyncio.get_running_loop()
        return cls(await loop.create_unix_server(lambda: _Connection(host), path))

    @classmethod
    async def listen_to_nodes(cls, host: Host, ip: str, identity: Identity) -> "SocketServer":
        """Serve `host` at a free port of `ip` to gateways that prove to be of the cluster."""
        return cls(await listen(identity, ip, lambda: _Connection(host)))

    @property
    def port(self) -> int:
        """The port that was free."""
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def close(self) -> None:
        """Take no more connections; those that stand end with the process."""
        self._server.close()


class _Connection(asyncio.Protocol):
    """One gateway."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._frames = Frames()
        self._arrived: deque[bytes] = deque()
        self._held: dict[asyncio.Future[int], list[tuple[int, PendingReplies]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None

    def data_received(self, data: bytes) -> None:
        try:
            for payload in self._frames.feed(data):
                if not self._arrived:
                    asyncio.get_running_loop().call_soon(self._take_next)
                self._arrived.append(payload)
        except FrameTooLarge as error:
            log.error("a gateway sent no frame of ours", reason=str(error))
            self._abort()

    def _take_next(self) -> None:
        """One frame in a turn of the event loop, so that its commit is on its way, and answers
        leave, while the next one is decided."""
        try:
            self._take(self._arrived.popleft())
        except Exception:  # our bug: the gateway asks again on another connection
            self._abort()
            raise
        if self._arrived:
            asyncio.get_running_loop().call_soon(self._take_next)

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _take(self, payload: bytes) -> None:
        ready: list[ReplyGroup] = []
        for number, requests in decode_request_groups(payload):
            accepted = self._host.accept(requests)
            commits = accepted.commits()
            if commits is None or len(commits) > 1:
                self._spawn(number, accepted)
            elif commits:
                self._hold(commits.pop(), number, accepted)
            else:
                ready.append((number, accepted.complete()))
        self._send(ready)

    def _hold(self, commit: asyncio.Future[int], number: int, accepted: PendingReplies) -> None:
        if commit not in self._held:
            self._held[commit] = []
            commit.add_done_callback(self._release)
        self._held[commit].append((number, accepted))

    def _release(self, commit: asyncio.Future[int]) -> None:
        held = self._held.pop(commit)
        self._send([(number, accepted.complete()) for number, accepted in held])

    def _spawn(self, number: int, accepted: PendingReplies) -> None:
        task = asyncio.get_running_loop().create_task(self._answer(number, accepted))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, number: int, accepted: PendingReplies) -> None:
        self._send([(number, await accepted.replies())])

    def _send(self, answers: list[ReplyGroup]) -> None:
        if answers and self._transport is not None:
            self._transport.write(frame(answers))

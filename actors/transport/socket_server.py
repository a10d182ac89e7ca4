"""The host's end of socket channels: takes request groups in, sends replies as they may leave.

Groups that are complete in one turn of the event loop, as those of one commit are, leave together.

Not for: frames (`frames`), or how replies share the socket (`outbox`).
"""

import asyncio
import time
from collections import deque
from functools import partial
from typing import cast

import structlog

from actors.host.host import Host
from actors.host.run_queue import run_deadline
from actors.messages import Request
from actors.transport.addresses import Identity
from actors.transport.frames import (
    WATCHING,
    Frames,
    FrameTooLarge,
    Watching,
    decode_request_groups,
)
from actors.transport.handshake import listen
from actors.transport.outbox import Outbox
from actors.user.bodies import AnyReply

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
        self._groups: deque[tuple[int, list[Request | Watching]]] = deque()
        self._complete: list[tuple[int, list[AnyReply]]] = []
        self._transport: asyncio.WriteTransport | None = None
        self._outbox: Outbox | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)
        self._outbox = Outbox(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = self._outbox = None
        self._host.watches.remove(self)

    def pause_writing(self) -> None:
        if self._outbox is not None:
            self._outbox.pause()

    def resume_writing(self) -> None:
        if self._outbox is not None:
            self._outbox.resume()

    def data_received(self, data: bytes) -> None:
        try:
            for payload in self._frames.feed(data):
                if not self._arrived and not self._groups:
                    asyncio.get_running_loop().call_soon(self._take_next)
                self._arrived.append(payload)
        except FrameTooLarge as error:
            log.error("a gateway sent no frame of ours", reason=str(error))
            self._abort()

    def _take_next(self) -> None:
        """One frame in a turn of the event loop, or what of it fits: its commit is on its way, and
        answers leave, while the next one is decided."""
        try:
            if not self._groups:
                self._groups.extend(decode_request_groups(self._arrived.popleft()))
            self._take_groups()
        except Exception:  # our bug: the gateway asks again on another connection
            self._abort()
            raise
        if self._groups or self._arrived:
            asyncio.get_running_loop().call_soon(self._take_next)

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _take_groups(self) -> None:
        deadline = run_deadline()
        while self._groups:
            correlation_id, requests = self._groups.popleft()
            if correlation_id == WATCHING:
                self._watch(cast(list[Watching], requests))
                continue
            replies = self._host.accept(cast(list[Request], requests), deadline)
            replies.when_complete(partial(self._send_soon, correlation_id))
            if time.monotonic() > deadline:
                break

    def _watch(self, changes: list[Watching]) -> None:
        watches = self._host.watches
        for change in changes:
            for user_id in change.user_ids:
                if change.begin:
                    watches.watch(user_id, self)
                else:
                    watches.unwatch(user_id, self)

    def changed(self, records: list[bytes]) -> None:
        """See `Watcher`."""
        if self._outbox is not None:
            self._outbox.send_records(records)

    def read_anew(self) -> None:
        """See `Watcher`."""
        if self._outbox is not None:
            self._outbox.send_read_anew()

    def _send_soon(self, correlation_id: int, replies: list[AnyReply]) -> None:
        if not self._complete:
            asyncio.get_running_loop().call_soon(self._send)
        self._complete.append((correlation_id, replies))

    def _send(self) -> None:
        groups, self._complete = self._complete, []
        if self._outbox is not None:
            self._outbox.send(groups)

"""The direct channel: groups to one packed host over a socket, many on their way at once.

What is asked within one turn of the event loop goes in one frame, or in several of at most
`FRAME_GROUPS`: no timer, so a lone request leaves alone.  When the connection breaks, every group
without an answer is sent again, in order and under the same command ids, to wherever the host is
then; receipts make that one effect and one answer.

Not for: finding the host (the `find` it is given asks Ray), or proving who is who (`handshake`).
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import cast

from actors.backoff import host_backoff
from actors.errors import AskAgain, HostGone, OutcomeUnknown, Overloaded, UserUnavailable
from actors.messages import Reply, Request
from actors.transport.addresses import HostAddress
from actors.transport.frames import Frames, ReplyGroup, RequestGroup, decode_reply_groups, frame
from actors.transport.handshake import connect

GROUPS_MAX = 20_000
"""Request groups without an answer on one channel; beyond it new ones are refused at once."""
FRAME_GROUPS = 16
"""Groups that leave before the turn of the event loop is over.  Without it gateway and host work
one after the other: one reads all requests while the other has nothing to do, then it waits."""
REPLIES_AT_ONCE = 64
"""Replies passed on in one turn of the event loop: some three milliseconds of work behind them."""
EXPIRY_CHECK_SECONDS = 0.25

Find = Callable[[], Awaitable[HostAddress]]
"""Where the host listens now; raises `HostGone` to be asked again."""


class _Waiting:
    """A group without an answer."""

    __slots__ = ("answer", "deadline", "requests", "sent")

    def __init__(self, requests: Sequence[Request], deadline: float) -> None:
        self.requests = list(requests)
        self.deadline = deadline
        self.sent = False
        self.answer: asyncio.Future[list[Reply]] = asyncio.get_running_loop().create_future()


class SocketChannel:
    """The way to one packed host."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self._waiting: dict[int, _Waiting] = {}
        self._outgoing: list[RequestGroup] = []
        self._arrived: deque[ReplyGroup] = deque()
        self._number = 0
        self._connection: _Connection | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._expiry: asyncio.TimerHandle | None = None
        self.retries = 0

    async def ask(self, requests: Sequence[Request], timeout_seconds: float) -> list[Reply]:
        """The replies, in the order of the requests.

        Raises:
            AskAgain: `Overloaded` when too much waits here, `OutcomeUnknown` or `UserUnavailable`
                when time ran out after or before something was sent.
        """
        if len(self._waiting) >= GROUPS_MAX:
            raise Overloaded(f"{GROUPS_MAX} requests wait for this host already")
        loop = asyncio.get_running_loop()
        waiting = _Waiting(requests, loop.time() + timeout_seconds)
        self._number += 1
        self._waiting[self._number] = waiting
        if self._connection is None:
            self._connect()
        else:
            if not self._outgoing:
                loop.call_soon(self._flush)
            self._outgoing.append((self._number, waiting.requests))
            if len(self._outgoing) == FRAME_GROUPS:
                self._flush()
        if self._expiry is None:
            self._expiry = loop.call_later(EXPIRY_CHECK_SECONDS, self._expire)
        return await waiting.answer

    def _flush(self) -> None:
        groups, self._outgoing = self._outgoing, []
        if self._connection is None or not groups:
            return  # what was meant to go goes when the connection stands again
        for number, _ in groups:
            if (waiting := self._waiting.get(number)) is not None:
                waiting.sent = True
        self._connection.send(frame(groups))

    def answered(self, payload: bytes) -> None:
        """Replies came."""
        arrived = decode_reply_groups(payload)
        if not self._arrived:
            asyncio.get_running_loop().call_soon(self._hand_out)
        self._arrived.extend(arrived)

    def _hand_out(self) -> None:
        """Pass some replies on, and the rest after whoever came meanwhile had their turn.

        A commit may release hundreds at once; what comes in at that moment, to be refused perhaps,
        does not wait for all of them.
        """
        for _ in range(min(REPLIES_AT_ONCE, len(self._arrived))):
            number, replies = self._arrived.popleft()
            waiting = self._waiting.get(number)
            if waiting is None:
                continue  # out of time already
            if any(reply.retry_elsewhere for reply in replies):
                self._arrived.clear()  # asked again with the others
                self.broken()
                return
            del self._waiting[number]
            if not waiting.answer.done():
                waiting.answer.set_result(replies)
        if self._arrived:
            asyncio.get_running_loop().call_soon(self._hand_out)

    def broken(self) -> None:
        """The connection is gone: find the host again, send again what has no answer."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self.retries += 1
            self._connect()

    def _connect(self) -> None:
        if self._connecting is None:
            self._connecting = asyncio.get_running_loop().create_task(self._reconnect())

    async def _reconnect(self) -> None:
        backoff = host_backoff()
        try:
            while self._waiting:
                try:
                    where = await self._find()
                    connection = _Connection(self)
                    await connect(where, connection)
                    self._connection = connection
                    break
                except (HostGone, OSError):
                    await asyncio.sleep(backoff.next_seconds())
                except AskAgain as error:
                    self._fail_all(error)
        finally:
            self._connecting = None
        self._outgoing = [(number, one.requests) for number, one in self._waiting.items()]
        self._flush()

    def _fail_all(self, error: AskAgain) -> None:
        waiting, self._waiting = self._waiting, {}
        for one in waiting.values():
            if not one.answer.done():
                one.answer.set_exception(error)

    def _expire(self) -> None:
        """Tell those whose time is up; the oldest come first."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for number, waiting in list(self._waiting.items()):
            if waiting.deadline > now and not waiting.answer.cancelled():
                break
            del self._waiting[number]
            if not waiting.answer.done():
                waiting.answer.set_exception(
                    OutcomeUnknown("no reply in time")
                    if waiting.sent
                    else UserUnavailable("the user's host could not be reached in time")
                )
        self._expiry = (
            loop.call_later(EXPIRY_CHECK_SECONDS, self._expire) if self._waiting else None
        )

    def close(self) -> None:
        """Hang up."""
        if self._connecting is not None:
            self._connecting.cancel()
        if self._expiry is not None:
            self._expiry.cancel()
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _Connection(asyncio.Protocol):
    """One life of the socket."""

    def __init__(self, channel: SocketChannel) -> None:
        self._channel: SocketChannel | None = channel
        self._frames = Frames()
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._channel is not None:
            self._channel.broken()

    def data_received(self, data: bytes) -> None:
        for payload in self._frames.feed(data):
            if self._channel is not None:
                self._channel.answered(payload)

    def send(self, data: bytes | bytearray) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def close(self) -> None:
        """End without telling the channel, which knows."""
        self._channel = None
        if self._transport is not None:
            self._transport.abort()

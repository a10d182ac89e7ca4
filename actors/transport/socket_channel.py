"""Socket channel: request groups to one packed host over a socket, many on their way at once.

What is asked within one turn of the event loop goes in one frame, or in several of at most
`FRAME_GROUPS`: no timer, so a lone request leaves alone.  When the connection breaks, every group
without an answer is sent again, in order and under the same command ids, to wherever the host is
then; receipts make that one effect and one answer.  Those that were on their way are *on trial*:
they are sent a few at a time, so that one that breaks connections takes few others with it.

Not for: finding the host (the `find` it is given asks Ray), or proving who is who (`handshake`).
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence

import structlog

from actors.backoff import host_backoff
from actors.errors import AskAgain, HostGone, Overloaded, RequestTooLarge
from actors.feeds.feed import Feeds
from actors.messages import Reply, Request
from actors.transport.addresses import HostAddress
from actors.transport.frames import (
    BodyPart,
    FrameTooLarge,
    ReplyGroup,
    RequestGroup,
    decode_host_messages,
    frame,
)
from actors.transport.gateway_connection import GatewayConnection
from actors.transport.handshake import connect
from actors.transport.pending_group import PendingGroup
from actors.transport.watched_users import WatchedUsers

log = structlog.get_logger(__name__)

GROUPS_MAX = 20_000
"""Request groups without an answer on one channel; beyond it new ones are refused at once."""
FRAME_GROUPS = 16
"""Groups that leave before the turn of the event loop is over: the host is not to wait for all."""
TRIAL_STEPS = 32
"""In so many steps are groups sent again with which a connection broke: up to as many go alone."""
REPLIES_AT_ONCE = 64
"""Replies passed on in one turn of the event loop: some three milliseconds of work behind them."""
EXPIRY_CHECK_SECONDS = 0.25

Find = Callable[[], Awaitable[HostAddress]]
"""Where the host listens now; raises `HostGone` to be asked again."""


class SocketChannel:
    """The way to one packed host.

    Attributes:
        watched: the users of it that are watched here.
    """

    def __init__(self, find: Find) -> None:
        self.watched = WatchedUsers(self._watch_soon)
        self._find = find
        self._pending: dict[int, PendingGroup] = {}
        self._outgoing: list[RequestGroup] = []
        self._trial: deque[list[int]] = deque()
        self._on_trial: set[int] = set()
        self._arrived: deque[ReplyGroup] = deque()
        self._last_id = 0
        self._connection: GatewayConnection | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._expiry: asyncio.TimerHandle | None = None
        self.retries = 0

    @property
    def feeds(self) -> Feeds:
        """Who listens to users of this host."""
        return self.watched.feeds

    async def ask(self, requests: Sequence[Request], timeout_seconds: float) -> list[Reply]:
        """What `send` promises."""
        return await self.send(requests, timeout_seconds)

    def send(
        self, requests: Sequence[Request], timeout_seconds: float
    ) -> asyncio.Future[list[Reply]]:
        """The replies to come, in the order of the requests; they leave in the order of the calls.

        Raises:
            Overloaded: too much waits here.

        What is returned raises:
            AskAgain: `OutcomeUnknown` or `UserUnavailable` when time ran out after or before
                something was sent.
            RequestTooLarge: the group does not fit into a frame.
        """
        if len(self._pending) >= GROUPS_MAX:
            raise Overloaded(f"{GROUPS_MAX} requests wait for this host already")
        loop = asyncio.get_running_loop()
        group = PendingGroup(requests, loop.time() + timeout_seconds)
        self._last_id += 1
        self._pending[self._last_id] = group
        if self._connection is None:
            self._connect()
        elif not self._on_trial:  # else it leaves when the trial is over, behind its elders
            if not self._outgoing:
                loop.call_soon(self._flush)
            self._outgoing.append((self._last_id, group.requests))
            if len(self._outgoing) == FRAME_GROUPS:
                self._flush()
        if self._expiry is None:
            self._expiry = loop.call_later(EXPIRY_CHECK_SECONDS, self._expire)
        return group.answer

    def on_their_way(self, of: Callable[[str], bool]) -> list[asyncio.Future[list[Reply]]]:
        """The replies to come that any of these users waits for."""
        return [
            group.answer
            for group in self._pending.values()
            if any(of(request.user_id) for request in group.requests)
        ]

    def _watch_soon(self, begin: bool) -> None:
        asyncio.get_running_loop().call_soon(self._flush)
        if begin and self._connection is None:
            self._connect()

    def _flush(self) -> None:
        groups, self._outgoing = self._outgoing, []
        if self._connection is None:
            return  # what was meant to go goes when the connection stands again
        for whole in self.watched.unsent():
            self._connection.send(whole)
        for correlation_id, _ in groups:
            if (group := self._pending.get(correlation_id)) is not None:
                group.sending()
        for whole in self._frames_of(groups):
            self._connection.send(whole)

    def _frames_of(self, groups: list[RequestGroup]) -> Iterator[bytearray]:
        """As few frames as hold the groups; one that fits into none is refused."""
        try:
            yield frame(groups)
        except FrameTooLarge as error:
            if len(groups) == 1:
                if (group := self._take(groups[0][0])) is not None:
                    group.fail(RequestTooLarge(str(error)))
                return
            middle = len(groups) // 2
            yield from self._frames_of(groups[:middle])
            yield from self._frames_of(groups[middle:])

    def received(self, payload: bytes) -> None:
        """A frame of the host's has arrived."""
        for message in decode_host_messages(payload):
            if isinstance(message, BodyPart):
                if (group := self._pending.get(message.correlation_id)) is not None:
                    group.add_part(message)
            elif isinstance(message, ReplyGroup):
                if not self._arrived:
                    asyncio.get_running_loop().call_soon(self._hand_out)
                self._arrived.append(message)
            else:
                self.watched.received(message)

    def _hand_out(self) -> None:
        """Pass some replies on, and the rest after whoever came meanwhile had their turn.

        A commit may release hundreds at once; what comes in at that moment, to be refused perhaps,
        does not wait for all of them.
        """
        for _ in range(min(REPLIES_AT_ONCE, len(self._arrived))):
            message = self._arrived.popleft()
            if any(reply.retry_elsewhere for reply in message.replies):
                self._arrived.clear()  # asked again with the others
                self._ask_elsewhere()
                return
            if (group := self._take(message.correlation_id)) is not None:
                group.complete(message.replies)
        if self._arrived:
            asyncio.get_running_loop().call_soon(self._hand_out)

    def _take(self, correlation_id: int) -> PendingGroup | None:
        """The group, which has its answer now; None when it had one, or was out of time."""
        group = self._pending.pop(correlation_id, None)
        if correlation_id in self._on_trial:
            self._on_trial.discard(correlation_id)
            if not self._on_trial:
                self._send_again()
        return group

    def broken(self) -> None:
        """The connection is gone: find the host again, send again what has no answer."""
        while self._arrived and self._connection is not None:
            self._hand_out()
        on_their_way = sum(group.on_its_way for group in self._pending.values())
        for correlation_id, group in list(self._pending.items()):
            if group.lost(alone=on_their_way == 1):
                del self._pending[correlation_id]
        self._ask_elsewhere()

    def find_again(self) -> None:
        """See `HostChannel.find_again`; what has no answer is sent again."""
        self._ask_elsewhere()

    def _ask_elsewhere(self) -> None:
        if self._connection is None:
            return
        self._connection.close()
        self._connection = None
        self._on_trial.clear()
        self.retries += 1
        for group in self._pending.values():
            group.taken_back()
        self._connect()

    def _connect(self) -> None:
        if self._connecting is None:
            self._connecting = asyncio.get_running_loop().create_task(self._reconnect())

    async def _reconnect(self) -> None:
        backoff = host_backoff()
        try:
            while self._pending or self.watched.feeds:
                try:
                    connection = GatewayConnection(self)
                    await connect(await self._find(), connection)
                    if connection.lost:
                        raise HostGone("it hung up at once")
                    self._connection = connection
                    self.watched.connected(connection.send)
                    break
                except (HostGone, OSError):
                    pass
                except AskAgain as error:
                    self._fail_all(error)
                except Exception:  # a bug; whoever waits here is not to wait for ever
                    log.exception("a host could not be reached; it is tried again")
                await asyncio.sleep(backoff.next_seconds())
        finally:
            self._connecting = None
        self._begin_trial()
        self._send_again()

    def _begin_trial(self) -> None:
        """Put those with whom a connection broke in pieces, in order; once twice, one is alone."""
        once = [id_ for id_, group in self._pending.items() if group.suspicion == 1]
        twice = [id_ for id_, group in self._pending.items() if group.suspicion > 1]
        step = -(-len(once) // TRIAL_STEPS) or 1
        self._trial = deque([id_] for id_ in twice)
        self._trial.extend(once[at : at + step] for at in range(0, len(once), step))

    def _send_again(self) -> None:
        """Send the next groups that are on trial; when there are none, all others."""
        while self._trial and not self._on_trial:
            self._on_trial.update(id_ for id_ in self._trial.popleft() if id_ in self._pending)
        self._outgoing = [
            (id_, group.requests)
            for id_, group in self._pending.items()
            if not group.on_its_way and (not self._on_trial or id_ in self._on_trial)
        ]
        self._flush()

    def _fail_all(self, error: AskAgain) -> None:
        pending, self._pending = self._pending, {}
        for group in pending.values():
            group.fail(error)

    def _expire(self) -> None:
        """Tell those whose time is up; the oldest come first."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for correlation_id, group in list(self._pending.items()):
            if group.deadline > now and not group.answer.cancelled():
                break
            self._take(correlation_id)
            group.expire()
        self._expiry = (
            loop.call_later(EXPIRY_CHECK_SECONDS, self._expire) if self._pending else None
        )

    def close(self) -> None:
        """Hang up."""
        for pending in (self._connecting, self._expiry):
            if pending is not None:
                pending.cancel()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

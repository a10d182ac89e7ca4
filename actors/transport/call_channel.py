"""A channel carries messages to one host: one batch at a time, in order, and again if it got lost.

While a batch is on its way, messages for that host gather and go together with the next; so order
holds, and the busier the host, the fewer the calls.  A batch whose host died is sent again, with
the same command ids, to whoever holds the place then: receipts make that one effect and one answer.

Not for: finding or starting hosts (the `connect` it is given does that).
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from actors.backoff import host_backoff
from actors.errors import AskAgain, HostGone, OutcomeUnknown, UserBusy, UserUnavailable
from actors.messages import Reply, Request, decode_replies, encode

BATCH_REQUESTS_MAX = 1_000
WAITING_REQUESTS_MAX = 10_000

Send = Callable[[bytes], Awaitable[bytes]]
"""Carries an encoded list of requests to a host and brings its encoded replies back."""


class _RequestGroup:
    """Requests that came together, and where their replies go."""

    __slots__ = ("deadline", "replies", "requests", "sent")

    def __init__(self, requests: Sequence[Request], deadline: float) -> None:
        self.requests = requests
        self.deadline = deadline
        self.sent = False
        self.replies: asyncio.Future[list[Reply]] = asyncio.get_running_loop().create_future()

    def fail(self, error: Exception) -> None:
        if not self.replies.done():
            self.replies.set_exception(error)


class CallChannel:
    """Messages to one host.

    Args:
        connect: finds or starts the host and returns how to send to it; raises `AskAgain` when
            there is no room, `HostGone` to be asked again.  Called anew after each `HostGone`.
    """

    def __init__(self, connect: Callable[[], Awaitable[Send]]) -> None:
        self._connect = connect
        self._waiting: deque[_RequestGroup] = deque()
        self._waiting_requests = 0
        self._running: asyncio.Task[None] | None = None
        self._send: Send | None = None
        self.retries = 0

    @property
    def idle(self) -> bool:
        """Nothing waits and nothing is on its way."""
        return self._running is None

    async def ask(self, requests: Sequence[Request], timeout_seconds: float) -> list[Reply]:
        """The replies, in the order of the requests.

        Raises:
            AskAgain: `UserBusy` when too much waits, `OutcomeUnknown` when time ran out after
                something was sent, or what `connect` raised.
        """
        if self._waiting_requests >= WAITING_REQUESTS_MAX:
            raise UserBusy(f"{WAITING_REQUESTS_MAX} messages wait for this host already")
        loop = asyncio.get_running_loop()
        group = _RequestGroup(requests, loop.time() + timeout_seconds)
        self._waiting.append(group)
        self._waiting_requests += len(requests)
        if self._running is None:
            self._running = loop.create_task(self._run())
        return await group.replies

    async def _run(self) -> None:
        try:
            while self._waiting:
                groups = self._take()
                try:
                    await self._deliver(groups)
                except Exception as error:  # our bug: told to whoever asked, and raised
                    for group in groups:
                        group.fail(error)
                    raise
        finally:
            self._running = None

    def _take(self) -> list[_RequestGroup]:
        """What goes next: everything that waits, up to the size of a batch."""
        groups = [self._waiting.popleft()]
        room = BATCH_REQUESTS_MAX - len(groups[0].requests)
        while self._waiting and len(self._waiting[0].requests) <= room:
            groups.append(self._waiting.popleft())
            room -= len(groups[-1].requests)
        self._waiting_requests -= sum(len(one.requests) for one in groups)
        return groups

    async def _deliver(self, groups: list[_RequestGroup]) -> None:
        """Send until answered or out of time; every group gets its replies or an error."""
        backoff = host_backoff()
        while groups := self._in_time(groups):
            try:
                replies = await self._send_once(groups)
            except HostGone:
                self._send = None
                self.retries += 1
                await asyncio.sleep(backoff.next_seconds())
                continue
            except AskAgain as error:
                self._send = None
                for group in groups:
                    group.fail(error)
                return
            start = 0
            for group in groups:
                end = start + len(group.requests)
                if not group.replies.done():
                    group.replies.set_result(replies[start:end])
                start = end
            return

    async def _send_once(self, groups: list[_RequestGroup]) -> list[Reply]:
        deadline = min(group.deadline for group in groups)
        try:
            async with asyncio.timeout_at(deadline):
                if self._send is None:
                    self._send = await self._connect()
                for group in groups:
                    group.sent = True
                batch = [request for group in groups for request in group.requests]
                replies = decode_replies(await self._send(encode(batch)))
        except TimeoutError:
            raise HostGone from None
        if any(reply.retry_elsewhere for reply in replies):
            raise HostGone
        return replies

    def _in_time(self, groups: list[_RequestGroup]) -> list[_RequestGroup]:
        """Those whose time is not up; the others learn that it is."""
        now = asyncio.get_running_loop().time()
        for group in groups:
            if group.deadline <= now:
                group.fail(
                    OutcomeUnknown("no reply in time")
                    if group.sent
                    else UserUnavailable("the user's actor could not be started in time")
                )
        return [group for group in groups if group.deadline > now]

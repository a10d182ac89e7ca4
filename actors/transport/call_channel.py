"""Call channel: request groups to one host by calls: one batch at a time, in order.

While a batch is on its way, groups for that host gather and go together with the next; so order
holds, and the busier the host, the fewer the calls.  A batch whose host died is sent again, with
the same command ids, to whoever holds the place then: receipts make that one effect and one answer.
Then each group goes by itself, so that one that kills hosts takes no others with it, and is given
up soon (`pending_group`).

A call is answered for as many groups as fit (`REPLIES_BYTES_MAX`); the others go with the next.

Not for: finding or starting hosts (the `connect` it is given does that).
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from actors.backoff import host_backoff
from actors.errors import (
    AskAgain,
    HostGone,
    UserBusy,
)
from actors.messages import Reply, Request
from actors.transport.pending_group import PendingGroup

BATCH_REQUESTS_MAX = 1_000
WAITING_REQUESTS_MAX = 10_000
REPLIES_BYTES_MAX = 64 * 1024 * 1024
"""Bodies in the answer to one call, beyond which it carries no further group's."""

Send = Callable[[bytes], Awaitable[bytes]]
"""Carries an encoded batch to a host and brings its encoded replies back."""

encode_batch = msgspec.msgpack.Encoder().encode
decode_batch = msgspec.msgpack.Decoder(list[list[Request]]).decode
decode_replies = msgspec.msgpack.Decoder(list[list[Reply]]).decode


def encode_replies(groups: Sequence[Sequence[Reply]]) -> bytes:
    """The answer to a call: of the first groups, as many as fit, but one at least."""
    fitting: list[Sequence[Reply]] = []
    left = REPLIES_BYTES_MAX
    for replies in groups:
        left -= sum(len(reply.body) for reply in replies)
        if fitting and left < 0:
            break
        fitting.append(replies)
    return encode_batch(fitting)


class CallChannel:
    """Request groups to one host.

    Args:
        connect: finds or starts the host and returns how to send to it; raises `AskAgain` when
            there is no room, `HostGone` to be asked again.  Called anew after each `HostGone`.
    """

    def __init__(self, connect: Callable[[], Awaitable[Send]]) -> None:
        self._connect = connect
        self._waiting: deque[PendingGroup] = deque()
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
            raise UserBusy(f"{WAITING_REQUESTS_MAX} requests wait for this host already")
        loop = asyncio.get_running_loop()
        group = PendingGroup(requests, loop.time() + timeout_seconds)
        self._waiting.append(group)
        self._waiting_requests += len(requests)
        if self._running is None:
            self._running = loop.create_task(self._run())
        return await group.answer

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

    def _take(self) -> list[PendingGroup]:
        """What goes next: everything that waits, up to the size of a batch."""
        groups = [self._waiting.popleft()]
        room = BATCH_REQUESTS_MAX - len(groups[0].requests)
        while self._waiting and len(self._waiting[0].requests) <= room:
            groups.append(self._waiting.popleft())
            room -= len(groups[-1].requests)
        self._waiting_requests -= sum(len(group.requests) for group in groups)
        return groups

    async def _deliver(self, groups: list[PendingGroup]) -> None:
        """Send until answered or out of time; every group gets its replies or an error."""
        backoff = host_backoff()
        while groups := self._in_time(groups):
            try:
                answers = await self._send_once(groups)
            except HostGone:
                self._send = None
                self.retries += 1
                alone = len(groups) == 1
                groups = [group for group in groups if not group.lost(alone=alone)]
                await asyncio.sleep(backoff.next_seconds())
                if not alone and any(group.suspicion for group in groups):
                    for group in groups:
                        await self._deliver([group])
                    return
                continue
            except AskAgain as error:
                self._send = None
                for group in groups:
                    group.fail(error)
                return
            for group, replies in zip(groups, answers, strict=False):
                group.complete(replies)
            groups = groups[len(answers) :]

    async def _send_once(self, groups: list[PendingGroup]) -> list[list[Reply]]:
        """The replies to the first of the groups; `HostGone` to try again."""
        deadline = min(group.deadline for group in groups)
        try:
            async with asyncio.timeout_at(deadline):
                if self._send is None:
                    self._send = await self._connect()
                for group in groups:
                    group.sending()
                batch = encode_batch([group.requests for group in groups])
                answers = decode_replies(await self._send(batch))
        except TimeoutError:
            for group in groups:
                group.taken_back()
            raise HostGone from None
        if any(reply.retry_elsewhere for replies in answers for reply in replies):
            for group in groups:
                group.taken_back()
            raise HostGone
        return answers

    def _in_time(self, groups: list[PendingGroup]) -> list[PendingGroup]:
        """Those whose time is not up; the others learn that it is."""
        now = asyncio.get_running_loop().time()
        for group in groups:
            if group.deadline <= now:
                group.expire()
        return [group for group in groups if group.deadline > now]

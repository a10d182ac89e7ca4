"""A user's mailbox: requests wait here in order while the user is being loaded or passivated.

Bounded: `depth` counts every request that has no answer yet, waiting or being made durable; a full
mailbox refuses at once, so that one busy user costs the others nothing.  Each request knows its
place among those that came with it: their replies leave together.

Not for: deciding them (`actors.user`), or when an answer may leave (`awaiting_commit`).
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine

from msgspec import Struct

from actors.messages import Reply, Request
from actors.user.bodies import AnyReply, encoded
from actors.user.refusals import internal_error

Complete = Callable[[list[AnyReply]], None]


class PendingReplies:
    """The replies to `count` requests that a host took in together, in the order of the requests.

    Each is given when it may leave.
    """

    __slots__ = ("_missing", "_on_complete", "_replies")

    def __init__(self, count: int) -> None:
        self._replies: list[AnyReply | None] = [None] * count
        self._missing = count
        self._on_complete: Complete | None = None

    def give(self, place: int, reply: AnyReply) -> None:
        """The reply at `place`."""
        self._replies[place] = reply
        self._missing -= 1
        if not self._missing and self._on_complete is not None:
            self._on_complete(self._given())

    def when_complete(self, do: Complete) -> None:
        """Hand all the replies to `do`, now or in the turn in which the last of them is given.

        `do` is called amid other turns: it puts off whatever takes time or asks the host again.
        """
        if self._missing:
            self._on_complete = do
        else:
            do(self._given())

    async def replies(self) -> list[Reply]:
        """The replies with all their bodies, once all of them may leave."""
        complete: asyncio.Future[list[AnyReply]] = asyncio.get_running_loop().create_future()

        def finish(replies: list[AnyReply]) -> None:
            if not complete.done():  # whoever waited may have gone
                complete.set_result(replies)

        self.when_complete(finish)
        return await encoded(await complete)

    def _given(self) -> list[AnyReply]:
        return [reply for reply in self._replies if reply is not None]


class PendingRequest(Struct, eq=False):
    """A request without an answer, and its place among those that came with it.

    `mailbox` is that of its user, once it was admitted there.
    """

    request: Request
    replies: PendingReplies
    place: int
    mailbox: "Mailbox | None" = None

    def answer(self, reply: AnyReply) -> None:
        """Give the answer, which may leave now.  Once for each request."""
        if self.mailbox is not None:
            self.mailbox.depth -= 1
        self.replies.give(self.place, reply)

    async def answer_from(self, work: Coroutine[None, None, AnyReply]) -> None:
        """Give the answer that comes out of `work`."""
        try:
            self.answer(await work)
        except Exception:
            self.answer(internal_error())


class Mailbox:
    """First in, first out, one reader."""

    __slots__ = ("_depth_max", "_waiting", "depth")

    def __init__(self, depth_max: int) -> None:
        self._depth_max = depth_max
        self._waiting: deque[PendingRequest] = deque()
        self.depth = 0

    def admit(self, pending: PendingRequest) -> bool:
        """Count one more unanswered request, or say no because the mailbox is full."""
        if self.depth >= self._depth_max:
            return False
        self.depth += 1
        pending.mailbox = self
        return True

    def put(self, pending: PendingRequest) -> None:
        """Let an admitted request wait."""
        self._waiting.append(pending)

    def put_back(self, pending: PendingRequest) -> None:
        """Let a request that was taken wait again, before all others."""
        self._waiting.appendleft(pending)

    def take(self) -> PendingRequest | None:
        """The request that has waited longest, or None."""
        return self._waiting.popleft() if self._waiting else None

    def refuse_all(self, refusal: AnyReply) -> None:
        """Answer every request that waits with `refusal`."""
        while (pending := self.take()) is not None:
            pending.answer(refusal)

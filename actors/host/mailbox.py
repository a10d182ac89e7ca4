"""A user's mailbox: requests wait here in order while the user is being loaded or passivated.

Bounded: `depth` counts every request that has no answer yet, waiting or being made durable; a full
mailbox refuses at once, so that one busy user costs the others nothing.
"""

import asyncio
from collections import deque

from actors.messages import Reply, Request
from actors.user.bodies import AnyReply


class QueuedRequest:
    """A request that waits, and where its answer goes."""

    __slots__ = ("answer", "request")

    def __init__(self, request: Request) -> None:
        self.request = request
        self.answer: asyncio.Future[AnyReply] = asyncio.get_running_loop().create_future()

    def complete(self, reply: AnyReply) -> None:
        """Give the answer, unless whoever asked has gone."""
        if not self.answer.done():
            self.answer.set_result(reply)


class Mailbox:
    """First in, first out, one reader."""

    __slots__ = ("_depth_max", "_waiting", "depth")

    def __init__(self, depth_max: int) -> None:
        self._depth_max = depth_max
        self._waiting: deque[QueuedRequest] = deque()
        self.depth = 0

    def admit(self) -> bool:
        """Count one more unanswered request, or say no because the mailbox is full."""
        if self.depth >= self._depth_max:
            return False
        self.depth += 1
        return True

    def answered(self) -> None:
        """One admitted request has its answer."""
        self.depth -= 1

    def put(self, queued: QueuedRequest) -> None:
        """Let an admitted request wait."""
        self._waiting.append(queued)

    def put_back(self, queued: QueuedRequest) -> None:
        """Let a request that was taken wait again, before all others."""
        self._waiting.appendleft(queued)

    def take(self) -> QueuedRequest | None:
        """The request that has waited longest, or None."""
        return self._waiting.popleft() if self._waiting else None

    def refuse_all(self, refusal: Reply) -> None:
        """Answer every request that waits with `refusal`."""
        while (queued := self.take()) is not None:
            queued.complete(refusal)

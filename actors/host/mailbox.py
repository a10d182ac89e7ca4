"""A user's mailbox: messages wait here in order while the user is being loaded or moved.

Bounded: `depth` counts every message that has no answer yet, waiting or being made durable; a full
mailbox refuses at once, so that one busy user costs the others nothing.
"""

import asyncio
from collections import deque

from actors.messages import Reply, Request


class QueuedRequest:
    """A request that waits, and where its answer goes."""

    __slots__ = ("answer", "request")

    def __init__(self, request: Request) -> None:
        self.request = request
        self.answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

    def complete(self, reply: Reply) -> None:
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
        """Count one more unanswered message, or say no because the mailbox is full."""
        if self.depth >= self._depth_max:
            return False
        self.depth += 1
        return True

    def answered(self) -> None:
        """One admitted message has its answer."""
        self.depth -= 1

    def put(self, message: QueuedRequest) -> None:
        """Let an admitted message wait."""
        self._waiting.append(message)

    def put_back(self, message: QueuedRequest) -> None:
        """Let a message that was taken wait again, before all others."""
        self._waiting.appendleft(message)

    def take(self) -> QueuedRequest | None:
        """The message that has waited longest, or None."""
        return self._waiting.popleft() if self._waiting else None

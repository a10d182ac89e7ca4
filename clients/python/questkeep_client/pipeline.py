"""Many commands on one connection without waiting for each: for game servers.

Commands of one user take effect in the order in which they were sent; users stand beside each
other.
"""

import asyncio
from collections import deque
from types import TracebackType
from typing import Protocol, Self, cast

from questkeep_client.protocol.commands import Command
from questkeep_client.protocol.ids import command_id as new_command_id
from questkeep_client.protocol.outbox import Answered
from questkeep_client.protocol.problems import Closed, Problem
from questkeep_client.protocol.session import Frame
from questkeep_client.user_commands import Reply


class Post(Protocol):
    """Sends one command, and says later what became of it."""

    def __call__(
        self, user_id: str, command: Command, answered: Answered, command_id: str
    ) -> str: ...


class Pipeline:
    """Commands under way; `async with` it, and everything is answered when the block ends.

    `replies` and `problems` fill in the order of the answers, which for one user is the order of
    the commands.
    """

    def __init__(self, post: Post, window: int) -> None:
        if window < 1:
            raise ValueError(f"window is {window}: expected at least 1")
        self.replies: list[Reply] = []
        self.problems: list[Problem] = []
        self._post = post
        self._room = window
        self._unanswered = 0
        self._waiting: deque[tuple[str, Command, str]] = deque()
        self._ended: Closed | None = None
        self._done = asyncio.Event()
        self._done.set()

    def send(self, user_id: str, command: Command, command_id: str = "") -> str:
        """Take one command; its id, which is new where none is named.

        Those beyond the window leave as answers come.
        """
        self._done.clear()
        command_id = command_id or new_command_id()
        self._waiting.append((user_id, command, command_id))
        self._leave()
        return command_id

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            await self.answered()

    async def answered(self) -> None:
        """Wait until nothing is under way.

        Raises:
            Closed: the client ended for good; what was not answered may or may not have happened.
        """
        await self._done.wait()
        if self._ended is not None:
            raise self._ended

    def _leave(self) -> None:
        while self._waiting and self._unanswered < self._room:
            self._unanswered += 1
            user_id, command, command_id = self._waiting.popleft()
            self._post(user_id, command, self._take, command_id)

    def _take(self, end: Frame | Closed) -> None:
        self._unanswered -= 1
        if isinstance(end, Closed):
            self._ended = end
            self._waiting.clear()
        elif end["type"] == "problem":
            self.problems.append(Problem(end))
        else:
            self.replies.append(cast(Reply, end))
        self._leave()
        if not self._unanswered:
            self._done.set()

"""Commands without an answer, in the order in which they were first sent.

They are sent again, under the same ids and the same `since`, until each is answered: so a command
takes effect once, however often the line breaks.

Not for: when to send (`session`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from questkeep_client.protocol.problems import Closed

Answered = Callable[[dict[str, Any] | Closed], None]
"""Takes the `reply` or `problem` frame that ended a command, or the end of the client."""


@dataclass(slots=True)
class Pending:
    """One command that waits for its answer; `frame` goes over the line, each time alike."""

    user_id: str
    frame: dict[str, Any]
    answered: Answered
    tries: int = 0


class Outbox:
    """Unanswered commands by id.  A dict keeps their order."""

    def __init__(self) -> None:
        self._pending: dict[str, Pending] = {}

    def __len__(self) -> int:
        return len(self._pending)

    def __iter__(self) -> Iterator[Pending]:
        return iter(self._pending.values())

    def add(self, pending: Pending) -> None:
        """Keep a command until it is answered.

        Raises:
            ValueError: a command of this id waits already.
        """
        command_id = pending.frame["command_id"]
        if command_id in self._pending:
            raise ValueError(f"command {command_id} was sent already and has no answer yet")
        self._pending[command_id] = pending

    def get(self, command_id: str) -> Pending | None:
        return self._pending.get(command_id)

    def take(self, command_id: str) -> Pending | None:
        """Remove a command that was answered; None if it is not ours, or was answered before."""
        return self._pending.pop(command_id, None)

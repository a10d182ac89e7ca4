"""Pending group: the requests of one caller on a channel, until they have an answer.

Not for: when it is sent, and where to (the channels).
"""

import asyncio
from collections.abc import Sequence

from msgspec.structs import replace

from actors.errors import OutcomeUnknown, UserUnavailable
from actors.long_work import JOINED_AT_ONCE_BYTES
from actors.messages import Reply, Request
from actors.transport.frames import BodyPart

LOSSES_MAX = 2
"""A group is given up when the host was lost so many times with it on its way: it may be why."""


class PendingGroup:
    """A request group without an answer.

    Attributes:
        deadline: in the event loop's seconds.
        sent: at some time; it may have been executed.
        on_its_way: over the connection that is there now.
        answer: its replies, in the order of the requests, or a `DeliveryError`.
    """

    __slots__ = ("_losses", "_parts", "answer", "deadline", "on_its_way", "requests", "sent")

    def __init__(self, requests: Sequence[Request], deadline: float) -> None:
        self.requests = list(requests)
        self.deadline = deadline
        self.sent = self.on_its_way = False
        self.answer: asyncio.Future[list[Reply]] = asyncio.get_running_loop().create_future()
        self._losses = 0
        self._parts: dict[int, list[bytes]] | None = None

    def sending(self) -> None:
        """It leaves now, perhaps not for the first time."""
        self.sent = self.on_its_way = True

    def taken_back(self) -> None:
        """It is no longer on its way, and will be sent again."""
        self.on_its_way, self._parts = False, None

    @property
    def suspicion(self) -> int:
        """How many times the host was lost with it on its way.

        Send it with few others after the first time, and alone after the second.
        """
        return self._losses

    def lost(self, *, alone: bool) -> bool:
        """The host was lost; whether the group is given up, because that happened too often.

        One that was not on its way then has nothing to do with it, and one that was not `alone`
        perhaps: it gets another try.
        """
        if not self.on_its_way:
            return False
        self._losses += 1
        self.taken_back()
        if self._losses < LOSSES_MAX or (self._losses == LOSSES_MAX and not alone):
            return False
        self.fail(OutcomeUnknown(f"the user's host was lost {self._losses} times"))
        return True

    def expire(self) -> None:
        """Its time is up."""
        self.fail(
            OutcomeUnknown("no reply in time")
            if self.sent
            else UserUnavailable("the user's host could not be reached in time")
        )

    def add_part(self, part: BodyPart) -> None:
        """Keep some of a body until its reply comes."""
        if self._parts is None:
            self._parts = {}
        self._parts.setdefault(part.place, []).append(part.content)

    def complete(self, replies: list[Reply]) -> None:
        """Give the answer; bodies that came ahead in parts are put together.

        Large ones in a thread, which lets go of the interpreter's lock for that: new memory of this
        size is slow.
        """
        parts, self._parts = self._parts or {}, None
        if sum(len(part) for body in parts.values() for part in body) > JOINED_AT_ONCE_BYTES:
            loop = asyncio.get_running_loop()
            joining = loop.run_in_executor(None, _put_together, replies, parts)
            joining.add_done_callback(lambda joined: self._answer_with(joined.result()))
        else:
            self._answer_with(_put_together(replies, parts))

    def _answer_with(self, replies: list[Reply]) -> None:
        if not self.answer.done():
            self.answer.set_result(replies)

    def fail(self, error: Exception) -> None:
        """Give an error instead."""
        if not self.answer.done():
            self.answer.set_exception(error)


def _put_together(replies: list[Reply], parts: dict[int, list[bytes]]) -> list[Reply]:
    for place, contents in parts.items():
        if not replies[place].code:
            replies[place] = replace(replies[place], body=b"".join(contents))
    return replies

"""Pending replies: given at once, awaiting a commit, or still to come.

Not for: deciding them (`actors.user`), or carrying them (`actors.transport`).
"""

import asyncio

from actors.errors import DeliveryCode
from actors.host.activation import Activation
from actors.host.mailbox import QueuedRequest
from actors.messages import Read, Reply, refused
from actors.user.actor import UserActor
from actors.user.bodies import AnyReply, encoded
from persistence.errors import Corrupt, NewerFormat

RETRY_AFTER_MS = 500

AwaitingCommit = tuple[Reply, asyncio.Future[int]]
"""A reply that may leave once a commit is durable."""
Answer = AnyReply | AwaitingCommit | asyncio.Future[AnyReply]
"""A reply, one that awaits a commit, or one to come (its request waits in a mailbox)."""


class PendingReplies:
    """Requests that a host took in together, and their answers in the same order."""

    __slots__ = ("_answers",)

    def __init__(self, answers: list[tuple[Activation | None, Answer]]) -> None:
        self._answers = answers

    def commits(self) -> set[asyncio.Future[int]] | None:
        """The commits that the answers wait for; None when one of them is still to come."""
        commits: set[asyncio.Future[int]] = set()
        for _, answer in self._answers:
            if type(answer) is tuple:
                commits.add(answer[1])
            elif isinstance(answer, asyncio.Future):
                return None
        return commits

    def complete(self) -> list[AnyReply]:
        """The replies.  Everything they wait for must be done."""
        return [_complete(activation, answer) for activation, answer in self._answers]

    async def wait(self) -> list[AnyReply]:
        """The replies, once all of them may leave."""
        for _, answer in self._answers:
            if isinstance(answer, tuple):
                await commit_finished(answer[1])
            elif isinstance(answer, asyncio.Future):
                await asyncio.wait([answer])
        return self.complete()

    async def replies(self) -> list[Reply]:
        """The same with all their bodies."""
        return await encoded(await self.wait())


def _complete(activation: Activation | None, answer: Answer) -> AnyReply:
    if activation is not None:
        activation.mailbox.answered()
    if isinstance(answer, tuple):
        return answer[0] if answer[1].exception() is None else outcome_unknown()
    return answer.result() if isinstance(answer, asyncio.Future) else answer


async def commit_finished(commit: asyncio.Future[int]) -> None:
    """Return when the commit is over, either way, and readers see what came of it."""
    if commit.done():
        await asyncio.sleep(0)  # the callback that swaps the rows in may be due only now
    else:
        await asyncio.wait([commit])


async def deliver(queued: QueuedRequest, answer: Answer) -> None:
    """Give a request that waited in a mailbox its answer, once it may leave."""
    queued.complete(await completed(answer))


async def completed(answer: Answer) -> AnyReply:
    """The reply, once it may leave."""
    if isinstance(answer, tuple):
        await commit_finished(answer[1])
        return answer[0] if answer[1].exception() is None else outcome_unknown()
    return await answer if isinstance(answer, asyncio.Future) else answer


async def read_after(commit: asyncio.Future[int], actor: UserActor, request: Read) -> AnyReply:
    """The receipt of a command may be on its way to the disk: look once that is completed."""
    await commit_finished(commit)
    return actor.read(request)


def outcome_unknown() -> Reply:
    """The refusal of a command whose journal batch failed."""
    return refused(
        DeliveryCode.OUTCOME_UNKNOWN,
        "the journal failed, so the change may or may not have been kept; "
        "send the same command again to learn which",
        RETRY_AFTER_MS,
    )


def unavailable(error: BaseException) -> Reply:
    """The refusal for a store's failure; it tells clients nothing that only the log should say."""
    if isinstance(error, Corrupt | NewerFormat):
        detail = "what is stored for this user cannot be served; an operator has to look at it"
        return refused(DeliveryCode.USER_UNAVAILABLE, detail)
    return refused(
        DeliveryCode.USER_UNAVAILABLE, "the store cannot be used right now", RETRY_AFTER_MS
    )

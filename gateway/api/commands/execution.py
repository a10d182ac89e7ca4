"""Command execution: commands of many users to their hosts and back, in order.

Each host is asked at the same time as the others, for all that its users are sent, a few bounded
messages at a time: so each user's commands are carried out in order, users beside each other, and
whoever sends one command waits for few of them.  Bodies come from users' actors in the client's own
format, and are passed on unopened.

Not for: what the commands are read from (`reading`).
"""

import asyncio
from collections import deque
from collections.abc import Hashable, Iterator, Sequence
from itertools import chain
from typing import TypeVar, cast

from actors.messages import Ask, Media, Reply
from gateway.api.commands.reading import Entry
from gateway.api.media import join, write
from gateway.api.user_requests import UserRequests
from gateway.problems import Problem, refusal

ASKED_TOGETHER_MAX = 100
"""Commands of a batch that a host gets in one piece, so that others have their turns between."""
AT_A_HOST_MAX = 2 * ASKED_TOGETHER_MAX
"""Commands of one batch, or of one live connection, that a host has at a time: a piece it decides,
and one that it finds ready.  Who asks meanwhile waits for these, and not for thousands."""

Asked = TypeVar("Asked")
Outcome = Reply | Problem
"""A reply with a body, or a refusal."""


async def execute(users: UserRequests, entries: Sequence[Entry]) -> list[Outcome]:
    """What becomes of commands of many users, each in its place, whatever becomes of the others.

    In order for each user, users beside each other; no user's share is looked at.
    """
    by_host: dict[Hashable, list[tuple[int, Ask]]] = {}
    for place, entry in enumerate(entries):
        if isinstance(entry, Ask):
            by_host.setdefault(users.host_of(entry.user_id), []).append((place, entry))
    asking = [_ask_host(users, [ask for _, ask in asks]) for asks in by_host.values()]
    answers = [await asking[0]] if len(asking) == 1 else await asyncio.gather(*asking)
    outcomes = cast(list[Outcome], list(entries))  # of the commands none will be left
    for asks, replies in zip(by_host.values(), answers, strict=True):
        for (place, _), reply in zip(asks, replies, strict=True):
            outcomes[place] = reply
    return outcomes


async def execute_for_user(users: UserRequests, entries: Sequence[Entry]) -> list[Outcome]:
    """What becomes of one user's commands, each in its place.

    Raises:
        Problem: like `UserRequests.ask`, of all of them.
    """
    asks = [entry for entry in entries if isinstance(entry, Ask)]
    if not asks:
        return cast(list[Outcome], list(entries))
    command_id = asks[0].command_id if len(entries) == 1 else None
    answers = _outcomes(asks, await users.ask(asks, command_id))
    if len(asks) == len(entries):
        return answers
    remaining = iter(answers)
    return [next(remaining) if isinstance(entry, Ask) else entry for entry in entries]


async def _ask_host(users: UserRequests, asks: Sequence[Ask]) -> list[Outcome]:
    if len(asks) <= ASKED_TOGETHER_MAX:
        return await ask_piece(users, asks)
    window = HostWindow()
    asking = (window.ask(users, piece) for piece in pieces_of(asks))
    return list(chain.from_iterable(await asyncio.gather(*asking)))


class HostWindow:
    """The commands that one sender has at one host: a bounded number, asked in order."""

    __slots__ = ("_at_host", "_waiting")

    def __init__(self) -> None:
        self._at_host = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @property
    def idle(self) -> bool:
        """Nothing is asked, and nothing waits for its turn."""
        return not self._at_host and not self._waiting

    async def ask(self, users: UserRequests, asks: Sequence[Ask]) -> list[Outcome]:
        """What becomes of one piece, which is asked as soon as those before it leave room."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((len(asks), turn))
        self._let_in()
        try:
            if not turn.done():
                await turn
            return await ask_piece(users, asks)
        finally:
            if turn.done() and not turn.cancelled():  # also for whoever leaves as its turn comes
                self._at_host -= len(asks)
            self._let_in()

    def _let_in(self) -> None:
        while self._waiting and self._at_host + self._waiting[0][0] <= AT_A_HOST_MAX:
            count, turn = self._waiting.popleft()
            if not turn.done():
                self._at_host += count
                turn.set_result(None)


def pieces_of(asks: Sequence[Asked]) -> Iterator[Sequence[Asked]]:
    """What one host is asked, in pieces of a bounded size."""
    for start in range(0, len(asks), ASKED_TOGETHER_MAX):
        yield asks[start : start + ASKED_TOGETHER_MAX]


async def ask_piece(users: UserRequests, asks: Sequence[Ask]) -> list[Outcome]:
    """What becomes of commands to users of one host, asked in one message."""
    try:
        return _outcomes(asks, await users.ask_host(asks))
    except Problem as problem:
        return [problem.of_command(ask.command_id, _whose(ask)) for ask in asks]


def _outcomes(asks: Sequence[Ask], replies: Sequence[Reply]) -> list[Outcome]:
    return [
        refusal(reply, ask.command_id, _whose(ask)) if reply.code else reply
        for ask, reply in zip(asks, replies, strict=True)
    ]


def _whose(ask: Ask) -> str | None:
    return ask.user_id if ask.named else None


def body_of(outcome: Outcome, media: Media) -> bytes:
    """A reply or a problem, as it stands in a list."""
    return outcome.body if isinstance(outcome, Reply) else write(outcome.document(), media)


def list_of(outcomes: Sequence[Outcome], media: Media) -> bytes:
    """All of them, as the body of an answer."""
    return join([body_of(outcome, media) for outcome in outcomes], media)

"""Command execution: commands of many users to their hosts and back, in order.

Each host is asked at the same time as the others, for all that its users are sent, a few bounded
messages at a time: so each user's commands are carried out in order, users beside each other, and
whoever sends one command waits for few of them.  Bodies come from users' actors in the client's own
format, and are passed on unopened.

Not for: what the commands are read from (`reading`).
"""

import asyncio
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
PIECES_AT_ONCE = 2
"""Pieces of one batch that a host has at a time: one it decides, and one that it finds ready.  Who
asks meanwhile waits for these, and not for a thousand commands."""

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
    room = asyncio.Semaphore(PIECES_AT_ONCE)  # who waits first enters first: so order holds

    async def ask(piece: Sequence[Ask]) -> list[Outcome]:
        async with room:
            return await ask_piece(users, piece)

    return list(chain.from_iterable(await asyncio.gather(*map(ask, pieces_of(asks)))))


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

"""Commands: of one user, alone or in a list, and of many users in one body.

A single command takes the way of a list of one.  Replies come from users' actors as bytes in the
client's own format and are passed on unopened.

Not for: bodies and fields (`command_validation`).
"""

import asyncio
from collections.abc import Hashable, Sequence

from actors.messages import Ask, Media, Reply
from domain.messages.commands import Command
from domain.wording import describe_value
from gateway.api.command_validation import CommandChecker, commands_in, type_label
from gateway.api.exchange import Exchange, answered, refused
from gateway.api.media import join, media_of_body, read_body, write
from gateway.api.parameters import user_of
from gateway.api.user_requests import UserRequests
from gateway.auth.authenticator import Role
from gateway.http.messages import Response
from gateway.metrics.counters import Metrics
from gateway.options import BATCH_MAX, LIST_MAX
from gateway.problems import Problem, refusal

RECEIVE_SECONDS_MAX = 30.0
"""How long a body may take to arrive, all of it."""
ASKED_TOGETHER_MAX = 100
"""Commands of a batch that a host gets in one piece, so that others have their turns between."""

Outcome = Reply | Problem


class CommandEndpoints:
    """Carries out what is sent to users."""

    def __init__(self, users: UserRequests, metrics: Metrics, body_bytes_max: int) -> None:
        self._users = users
        self._metrics = metrics
        self._body_bytes_max = body_bytes_max

    async def post_to_user(self, exchange: Exchange) -> Response:
        """`POST …/users/{user_id}/commands`: a reply or a problem; for a list, a list in a 200."""
        user_id = user_of(exchange)
        self._users.check_share(user_id)  # before anything that costs, and again when it is asked
        body = await self._read(exchange)
        commands = commands_in(body, LIST_MAX)
        checker = CommandChecker(exchange.caller)
        checked = [checker.check(command) for command in commands]
        command_id = _only_id(checked)
        asks = [
            Ask.of(user_id, command, exchange.answer)
            for command in checked
            if not isinstance(command, Problem)
        ]
        try:
            replies = await self._users.ask(asks, command_id) if asks else []
        except Problem as problem:
            self._count(commands, [problem] * len(commands))
            raise
        outcomes = _in_place(checked, replies)
        self._count(commands, outcomes)
        if body is commands:
            return answered(_list_of(outcomes, exchange.answer), exchange.answer)
        [outcome] = outcomes
        if isinstance(outcome, Problem):
            return refused(outcome, exchange.answer)
        return answered(outcome.body, exchange.answer)

    async def post(self, exchange: Exchange) -> Response:
        """`POST /v1/commands`, for services: a list of replies and problems in a 200.

        In order for each user, users beside each other.  It counts as one request, and no user's
        share is looked at.
        """
        if exchange.caller.role is Role.PLAYER:
            detail = "A player may not send commands of many users: only a service may"
            raise Problem("not_allowed", detail)
        body = await self._read(exchange)
        if isinstance(body, dict):
            detail = f"The body is {describe_value(body)}, expected a list of commands"
            raise Problem("malformed_body", detail)
        commands = commands_in(body, BATCH_MAX)
        checker = CommandChecker(exchange.caller)
        addressed = [checker.check_addressed(command) for command in commands]
        user_ids = [user_id for user_id, _ in addressed]
        checked = [command for _, command in addressed]
        asks = [
            Ask.of(user_id, command, exchange.answer)
            for user_id, command in zip(user_ids, checked, strict=True)
            if not isinstance(command, Problem)
        ]
        outcomes = _in_place(checked, await self._ask_all(asks))
        for user_id, outcome in zip(user_ids, outcomes, strict=True):
            if isinstance(outcome, Problem):
                outcome.user_id = user_id or None
        self._count(commands, outcomes)
        return answered(_list_of(outcomes, exchange.answer), exchange.answer)

    async def _read(self, exchange: Exchange) -> object:
        body = await exchange.read(self._body_bytes_max, RECEIVE_SECONDS_MAX)
        headers = exchange.headers
        media = media_of_body(headers.get(b"content-type"), headers.get(b"content-encoding"))
        value: object = read_body(body, media)
        return value

    async def _ask_all(self, asks: Sequence[Ask]) -> list[Outcome]:
        """What became of each, in its place.  Each host gets its users' commands in pieces."""
        by_host: dict[Hashable, list[int]] = {}
        for place, ask in enumerate(asks):
            by_host.setdefault(self._users.host_of(ask.user_id), []).append(place)
        pieces = [
            places[start : start + ASKED_TOGETHER_MAX]
            for places in by_host.values()
            for start in range(0, len(places), ASKED_TOGETHER_MAX)
        ]
        outcomes: dict[int, Outcome] = {}
        # Pieces of one host leave in the order in which they stand here.
        answers = (self._ask_piece([asks[place] for place in places]) for places in pieces)
        for places, replies in zip(pieces, await asyncio.gather(*answers), strict=True):
            outcomes.update(zip(places, replies, strict=True))
        return [outcomes[place] for place in range(len(asks))]

    async def _ask_piece(self, asks: Sequence[Ask]) -> Sequence[Outcome]:
        try:
            return await self._users.ask_host(asks)
        except Problem as problem:
            return [problem.of_command(ask.command_id) for ask in asks]

    def _count(self, commands: Sequence[object], outcomes: Sequence[Outcome]) -> None:
        for command, outcome in zip(commands, outcomes, strict=True):
            self._metrics.command(type_label(command), outcome.code or "ok")


def _only_id(checked: Sequence[Command | Problem]) -> str | None:
    """The id of a command that stands alone, for a refusal of the whole request."""
    return checked[0].command_id if len(checked) == 1 else None


def _in_place(checked: Sequence[Command | Problem], answers: Sequence[Outcome]) -> list[Outcome]:
    """What became of each command: those that were refused here, and the answers to the others."""
    remaining = iter(answers)
    outcomes: list[Outcome] = []
    for command in checked:
        if isinstance(command, Problem):
            outcomes.append(command)
            continue
        answer = next(remaining)
        if isinstance(answer, Reply) and answer.code:
            answer = refusal(answer, command.command_id)
        outcomes.append(answer)
    return outcomes


def _list_of(outcomes: Sequence[Outcome], media: Media) -> bytes:
    parts = (
        write(outcome.document(), media) if isinstance(outcome, Problem) else outcome.body
        for outcome in outcomes
    )
    return join(list(parts), media)

"""Commands: of one user, alone or in a list, and of many users in one body.

A single command takes the way of a list of one.  Replies come from users' actors as bytes in the
client's own format and are passed on unopened; among those of many users each says whose it is.

Not for: bodies and fields (`validation`).
"""

import asyncio
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

from actors.messages import Ask, Media, Reply
from domain.messages.commands import Command
from domain.wording import describe_value
from gateway.api.commands.validation import CommandChecker, check_all, commands_in, type_label
from gateway.api.exchange import Exchange, answered, refused
from gateway.api.media import join, media_of_body, read_body, with_user, write
from gateway.api.parameters import prefers_minimal, query_of, user_of, word
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
COMMAND_QUERY = (
    word("dry_run", ("true", "false"), "`true` only says what would happen, of each by itself"),
)

Outcome = Reply | Problem


class _Form(NamedTuple):
    """How the replies of one request are wanted."""

    media: Media
    brief: bool
    dry_run: bool

    @classmethod
    def of(cls, exchange: Exchange) -> "_Form":
        """What the request's headers and query say.  Raises `Problem` like `query_of`."""
        if not exchange.has_query and b"prefer" not in exchange.headers:
            return _PLAIN[exchange.answer]
        dry_run = query_of(exchange, COMMAND_QUERY).get("dry_run") == "true"
        return cls(exchange.answer, prefers_minimal(exchange), dry_run)

    def asks(self, addressed: Iterable[tuple[str, Command | Problem]]) -> list[Ask]:
        """What hosts are asked: the commands that were not refused here."""
        return [
            Ask.of(user_id, command, self.media, self.brief, self.dry_run)
            for user_id, command in addressed
            if not isinstance(command, Problem)
        ]


_PLAIN = {media: _Form(media, brief=False, dry_run=False) for media in Media}


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
        form = _Form.of(exchange)
        body = await self._read(exchange)
        commands = commands_in(body, LIST_MAX)
        checker = CommandChecker(exchange.caller)
        checked = await check_all(checker.check, commands)
        command_id = _only_id(checked)
        asks = form.asks([(user_id, command) for command in checked])
        try:
            replies = await self._users.ask(asks, command_id) if asks else []
        except Problem as problem:
            self._count(form, commands, [problem] * len(commands))
            raise
        outcomes = _in_place(checked, replies)
        self._count(form, commands, outcomes)
        if body is commands:
            return answered(_list_of(outcomes, form.media), form.media)
        [outcome] = outcomes
        if isinstance(outcome, Problem):
            return refused(outcome, form.media)
        return answered(outcome.body, form.media)

    async def post(self, exchange: Exchange) -> Response:
        """`POST /v1/commands`, for services: a list of replies and problems in a 200.

        Each has the `user_id` of its command; a problem has none where that was no user's.

        In order for each user, users beside each other.  It counts as one request, and no user's
        share is looked at.
        """
        if exchange.caller.role is Role.PLAYER:
            detail = "A player may not send commands of many users: only a service may"
            raise Problem("not_allowed", detail)
        form = _Form.of(exchange)
        body = await self._read(exchange)
        if isinstance(body, dict):
            detail = f"The body is {describe_value(body)}, expected a list of commands"
            raise Problem("malformed_body", detail)
        commands = commands_in(body, BATCH_MAX)
        checker = CommandChecker(exchange.caller)
        addressed = await check_all(checker.check_addressed, commands)
        user_ids = [user_id for user_id, _ in addressed]
        checked = [command for _, command in addressed]
        asks = form.asks(addressed)
        outcomes = _in_place(checked, await self._ask_all(asks))
        for user_id, outcome in zip(user_ids, outcomes, strict=True):
            if isinstance(outcome, Problem):
                outcome.user_id = user_id or None
        self._count(form, commands, outcomes)
        return answered(_list_of_users(user_ids, outcomes, form.media), form.media)

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

    def _count(self, form: _Form, commands: Sequence[object], outcomes: Sequence[Outcome]) -> None:
        if form.dry_run:
            return  # nothing came of any
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


def _list_of_users(user_ids: Sequence[str], outcomes: Sequence[Outcome], media: Media) -> bytes:
    parts = (
        write(outcome.document(), media)
        if isinstance(outcome, Problem)
        else with_user(outcome.body, user_id, media)
        for user_id, outcome in zip(user_ids, outcomes, strict=True)
    )
    return join(list(parts), media)


def _list_of(outcomes: Sequence[Outcome], media: Media) -> bytes:
    parts = (
        write(outcome.document(), media) if isinstance(outcome, Problem) else outcome.body
        for outcome in outcomes
    )
    return join(list(parts), media)

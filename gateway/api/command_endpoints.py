"""Commands of one user: one, or a list of separate ones in order.

A single command takes the way of a list of one.  Replies come from the user's actor as bytes in the
client's own format and are passed on unopened.

Not for: bodies and fields (`command_validation`).
"""

from collections.abc import Sequence

from msgspec import to_builtins

from actors.messages import Ask, Media, Reply
from domain.messages.commands import Command
from gateway.api.command_validation import CommandChecker, commands_in, type_label
from gateway.api.exchange import Exchange, answered, refused
from gateway.api.media import join, media_of_body, read_body, write
from gateway.api.parameters import user_of
from gateway.api.user_requests import UserRequests
from gateway.http.messages import Response
from gateway.metrics.counters import Metrics
from gateway.options import LIST_MAX
from gateway.problems import Problem, refusal

RECEIVE_SECONDS_MAX = 30.0
"""How long a body may take to arrive, all of it."""


class CommandEndpoints:
    """Carries out what is sent to one user."""

    def __init__(self, users: UserRequests, metrics: Metrics, body_bytes_max: int) -> None:
        self._users = users
        self._metrics = metrics
        self._body_bytes_max = body_bytes_max

    async def post(self, exchange: Exchange) -> Response:
        """`POST …/commands`: a reply or a problem; for a list, a list of them in a 200."""
        user_id = user_of(exchange)
        self._users.check_share(user_id)  # before anything that costs, and again when it is asked
        body = await self._read(exchange)
        commands = commands_in(body, LIST_MAX)
        checker = CommandChecker(exchange.caller)
        checked = [checker.check(command) for command in commands]
        try:
            outcomes = await self._ask(user_id, checked, exchange.answer)
        except Problem as problem:
            self._count(commands, [problem] * len(commands))
            raise
        self._count(commands, outcomes)
        if body is commands:
            return answered(_list_of(outcomes, exchange.answer), exchange.answer)
        [outcome] = outcomes
        if isinstance(outcome, Problem):
            return refused(outcome, exchange.answer)
        return answered(outcome.body, exchange.answer)

    async def _read(self, exchange: Exchange) -> object:
        body = await exchange.read(self._body_bytes_max, RECEIVE_SECONDS_MAX)
        headers = exchange.headers
        media = media_of_body(headers.get(b"content-type"), headers.get(b"content-encoding"))
        value: object = read_body(body, media)
        return value

    async def _ask(
        self, user_id: str, checked: Sequence[Command | Problem], media: Media
    ) -> list[Reply | Problem]:
        """What became of each command, in its place.

        Raises:
            Problem: nobody could be asked, or the replies were lost; of all of them.
        """
        valid = [command for command in checked if not isinstance(command, Problem)]
        replies: list[Reply] = []
        if valid:
            asks = [Ask(user_id, to_builtins(command), media) for command in valid]
            command_id = valid[0].command_id if len(checked) == 1 else None
            replies = await self._users.ask(asks, command_id)
        outcomes = (
            refusal(reply, command.command_id) if reply.code else reply
            for command, reply in zip(valid, replies, strict=True)
        )
        return [command if isinstance(command, Problem) else next(outcomes) for command in checked]

    def _count(self, commands: Sequence[object], outcomes: Sequence[Reply | Problem]) -> None:
        for command, outcome in zip(commands, outcomes, strict=True):
            self._metrics.command(type_label(command), outcome.code or "ok")


def _list_of(outcomes: Sequence[Reply | Problem], media: Media) -> bytes:
    parts = (
        write(outcome.document(), media) if isinstance(outcome, Problem) else outcome.body
        for outcome in outcomes
    )
    return join(list(parts), media)

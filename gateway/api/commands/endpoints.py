"""Commands: of one user, alone or in a list, and of many users in one body.

A single command takes the way of a list of one.  Replies come from users' actors as bytes in the
client's own format and are passed on unopened.

Not for: bodies and fields (`reading`), or hosts (`execution`).
"""

from actors.messages import Media
from gateway.api.commands.execution import (
    Outcome,
    execute,
    execute_for_user,
    list_of,
)
from gateway.api.commands.reading import ReadCommands, read_commands
from gateway.api.commands.reply_form import ReplyForm
from gateway.api.exchange import Exchange, answered, refused
from gateway.api.media import media_of_body
from gateway.api.parameters import user_of
from gateway.api.user_requests import UserRequests
from gateway.auth.authenticator import Role
from gateway.http.messages import Response
from gateway.metrics.counters import Metrics
from gateway.problems import Problem

RECEIVE_SECONDS_MAX = 30.0
"""How long a body may take to arrive, all of it."""


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
        form = ReplyForm.of(exchange)
        body, media = await self._receive(exchange)
        commands = await read_commands(body, media, form, exchange.caller, user_id)
        try:
            outcomes = await execute_for_user(self._users, commands.entries)
        except Problem as problem:
            self._count(form, commands, [problem] * len(commands.entries))
            raise
        self._count(form, commands, outcomes)
        if not commands.alone:
            return answered(list_of(outcomes, form.media), form.media)
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
        form = ReplyForm.of(exchange, named=True)
        body, media = await self._receive(exchange)
        commands = await read_commands(body, media, form, exchange.caller)
        outcomes = await execute(self._users, commands.entries)
        self._count(form, commands, outcomes)
        return answered(list_of(outcomes, form.media), form.media)

    async def _receive(self, exchange: Exchange) -> tuple[bytes, Media]:
        body = await exchange.read(self._body_bytes_max, RECEIVE_SECONDS_MAX)
        headers = exchange.headers
        return body, media_of_body(headers.get(b"content-type"), headers.get(b"content-encoding"))

    def _count(self, form: ReplyForm, commands: ReadCommands, outcomes: list[Outcome]) -> None:
        if not form.dry_run:  # else nothing came of any
            codes = [outcome.code or "ok" for outcome in outcomes]
            self._metrics.commands(zip(commands.labels, codes, strict=True))

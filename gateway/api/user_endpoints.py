"""The endpoints of one user: commands in, rows out.

Replies come from the user's actor as bytes in the client's own format and are passed on unopened.

Not for: bodies and fields (`command_validation`), or how a request finds its user
(`actors.cluster`).
"""

from collections.abc import Sequence
from typing import Any

from actors.cluster.contract import Cluster
from actors.errors import AskAgain
from actors.messages import Ask, Read, Reply, View
from domain.messages.commands import COMMAND_TYPES
from gateway.api.command_validation import check_body, check_command
from gateway.api.exchange import Exchange, answered
from gateway.api.media import join, media_of_body, read_body, write
from gateway.api.parameters import key_of, page_of, user_of
from gateway.api.routes import Endpoint
from gateway.auth.authenticator import Caller
from gateway.http.messages import Response
from gateway.metrics.counters import Metrics
from gateway.problems import Problem, ask_again, refusal

RETRY_AFTER_MS = 1_000
RECEIVE_SECONDS_MAX = 30.0
"""How long a body may take to arrive, all of it."""


class UserEndpoints:
    """Answers what is asked about one user.

    Args:
        requests_max: requests of one user that are being answered at once; more are turned away,
            so that whoever hammers one user leaves room for the others.
    """

    def __init__(
        self, cluster: Cluster, metrics: Metrics, body_bytes_max: int, requests_max: int
    ) -> None:
        self._cluster = cluster
        self._metrics = metrics
        self._body_bytes_max = body_bytes_max
        self._requests_max = requests_max
        self._asking: dict[str, int] = {}  # requests of each user that are being answered

    async def commands(self, exchange: Exchange) -> Response:
        """`POST …/commands`: one command, or a list of separate ones in order."""
        user_id = user_of(exchange)
        self._check_share(user_id)  # before anything that costs, and again when it is asked
        body = await exchange.read(self._body_bytes_max, RECEIVE_SECONDS_MAX)
        headers = exchange.headers
        written = media_of_body(headers.get(b"content-type"), headers.get(b"content-encoding"))
        value = read_body(body, written)
        many = check_body(value)
        if many is None:
            return await self._one(user_id, value, exchange)
        return await self._many(user_id, many, exchange)

    def reading(self, view: View, key_name: str | None = None) -> Endpoint:
        """The endpoint `GET …` for a view; `key_name` is what the path's second id is called."""

        async def endpoint(exchange: Exchange) -> Response:
            user_id = user_of(exchange)
            key = key_of(exchange, key_name) if key_name is not None else ""
            reply = (await self._ask([Read(user_id, view, key, exchange.answer)]))[0]
            if reply.code:
                raise refusal(reply)
            return answered(reply.body, exchange.answer)

        return endpoint

    async def history(self, exchange: Exchange) -> Response:
        """`GET …/history?after=&limit=`: the account, oldest first, a page at a time."""
        user_id = user_of(exchange)
        after, limit = page_of(exchange)
        read = Read(user_id, View.HISTORY, "", exchange.answer, after, limit)
        reply = (await self._ask([read]))[0]
        if reply.code:
            raise refusal(reply)
        return answered(reply.body, exchange.answer)

    async def _one(self, user_id: str, value: dict[str, Any], exchange: Exchange) -> Response:
        try:
            check_command(value, exchange.caller)
            command_id: str = value["command_id"]
            reply = (await self._ask([Ask(user_id, value, exchange.answer)], command_id))[0]
            if reply.code:
                raise refusal(reply, command_id)
        except Problem as problem:
            self._count(value, problem.code)
            raise
        self._count(value, "")
        return answered(reply.body, exchange.answer)

    async def _many(self, user_id: str, values: list[Any], exchange: Exchange) -> Response:
        """Each element is a reply or a problem, in its place; the whole is a 200."""
        media = exchange.answer
        wrong = [_check(value, exchange.caller) for value in values]
        asks = [
            Ask(user_id, value, media)
            for value, found in zip(values, wrong, strict=True)
            if found is None
        ]
        replies = iter(await self._ask_all(asks))
        parts: list[bytes] = []
        for value, found in zip(values, wrong, strict=True):
            outcome = found or _outcome(next(replies), value["command_id"])
            self._count(value, outcome.code)
            if isinstance(outcome, Problem):
                parts.append(write(outcome.document(), media))
            else:
                parts.append(outcome.body)
        return answered(join(parts, media), media)

    async def _ask_all(self, asks: list[Ask]) -> list[Reply]:
        try:
            return await self._ask(asks) if asks else []
        except Problem as problem:
            for ask in asks:
                self._count(ask.fields, problem.code)
            raise

    async def _ask(
        self, requests: Sequence[Ask | Read], command_id: str | None = None
    ) -> list[Reply]:
        user_id = requests[0].user_id
        self._check_share(user_id, command_id)
        self._asking[user_id] = self._asking.get(user_id, 0) + 1
        try:
            return await self._cluster.ask(requests)
        except AskAgain as error:
            raise ask_again(error, command_id) from error
        finally:
            asking = self._asking[user_id] - 1
            if asking:
                self._asking[user_id] = asking
            else:
                del self._asking[user_id]

    def _check_share(self, user_id: str, command_id: str | None = None) -> None:
        asking = self._asking.get(user_id, 0)
        if asking >= self._requests_max:
            detail = f"{asking} requests of this user are being answered, which is one user's share"
            raise Problem(
                "too_many_requests", detail, command_id=command_id, retry_after_ms=RETRY_AFTER_MS
            )

    def _count(self, value: Any, code: str) -> None:
        named = value.get("type") if isinstance(value, dict) else None
        known = named if isinstance(named, str) and named in COMMAND_TYPES else "unknown"
        self._metrics.command(known, code or "ok")


def _check(value: Any, caller: Caller) -> Problem | None:
    """What is wrong with one element of a list."""
    try:
        check_command(value, caller)
    except Problem as problem:
        return problem
    return None


def _outcome(reply: Reply, command_id: str) -> Reply | Problem:
    return refusal(reply, command_id) if reply.code else reply

"""Reads of one user: rows out, as the user's actor wrote them.

Not for: commands (`command_endpoints`).
"""

from actors.messages import Read, View
from gateway.api.exchange import Exchange, answered
from gateway.api.parameters import key_of, page_of, user_of
from gateway.api.routes import Endpoint
from gateway.api.user_requests import UserRequests
from gateway.http.messages import Response
from gateway.problems import refusal


class ReadEndpoints:
    """Answers what is asked about one user's durable rows; writes nothing."""

    def __init__(self, users: UserRequests) -> None:
        self._users = users

    def view(self, view: View, key_name: str | None = None) -> Endpoint:
        """The endpoint `GET …` for a view; `key_name` is what the path's second id is called."""

        async def endpoint(exchange: Exchange) -> Response:
            user_id = user_of(exchange)
            key = key_of(exchange, key_name) if key_name is not None else ""
            return await self._read(exchange, Read(user_id, view, key, exchange.answer))

        return endpoint

    async def history(self, exchange: Exchange) -> Response:
        """`GET …/history?after=&limit=`: every grant, oldest first, a page at a time."""
        user_id = user_of(exchange)
        after, limit = page_of(exchange)
        read = Read(user_id, View.HISTORY, "", exchange.answer, after, limit)
        return await self._read(exchange, read)

    async def _read(self, exchange: Exchange, read: Read) -> Response:
        [reply] = await self._users.ask([read])
        if reply.code:
            raise refusal(reply)
        return answered(reply.body, exchange.answer)

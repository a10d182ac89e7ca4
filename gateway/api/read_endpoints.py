"""Reads of one user: rows out, as the user's actor wrote them.

Not for: commands (`commands`).
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from actors.messages import Read, View
from domain.state.rows import BattleOutcome, QuestStatus
from gateway.api.changes.long_poll import MIN_VERSION
from gateway.api.exchange import Exchange, answered
from gateway.api.parameters import (
    is_known,
    key_of,
    query_of,
    row_id,
    user_of,
    whole_number,
    word,
    words,
)
from gateway.api.routes import Endpoint, QueryParameter
from gateway.api.user_requests import UserRequests
from gateway.http.messages import API_HEADERS, Response
from gateway.problems import refusal

_LIMIT = whole_number("limit", 1, 1_000, "How many at most")
_AFTER = row_id("after", "Those that were made after this one; `next_after` of the page before")

ITEM_QUERY = (MIN_VERSION,)
LIST_QUERY = (_AFTER, _LIMIT, MIN_VERSION)
QUESTS_QUERY = (*LIST_QUERY, words("status", QuestStatus, "Only those of one of these"))
BATTLES_QUERY = (*LIST_QUERY, words("outcome", BattleOutcome, "Only those of one of these"))
HISTORY_QUERY = (
    whole_number("after", 0, 2**53 - 1, "Entries that come after this sequence"),
    _LIMIT,
    MIN_VERSION,
)
USER_QUERY = (
    word("settled", ("all", "none"), "`none` leaves out quests and battles that are over"),
    MIN_VERSION,
)
WaitForVersion = Callable[[str, int], Awaitable[None]]

_RATED = frozenset({View.CHAPTERS, View.CHAPTER})


class ReadEndpoints:
    """Answers what is asked about one user's durable rows; writes nothing.

    Args:
        wait_for_version: returns once a user is at a version; see `long_poll`.
    """

    def __init__(self, users: UserRequests, wait_for_version: WaitForVersion) -> None:
        self._users = users
        self._wait_for_version = wait_for_version

    def view(self, view: View, key_name: str | None = None) -> Endpoint:
        """The endpoint `GET …` for a view; `key_name` is what the path's second id is called."""

        async def endpoint(exchange: Exchange) -> Response:
            user_id = user_of(exchange)
            key = key_of(exchange, key_name) if key_name is not None else ""
            values = query_of(exchange, ITEM_QUERY)
            read = Read(user_id, view, key, exchange.answer)
            return await self._read(exchange, read, values)

        return endpoint

    def page(self, view: View, query: tuple[QueryParameter, ...]) -> Endpoint:
        """The endpoint of a list: oldest first, filtered and a page at a time."""

        async def endpoint(exchange: Exchange) -> Response:
            user_id = user_of(exchange)
            values = query_of(exchange, query)
            after, limit = values.get("after", ""), values.get("limit", 0)
            only = values.get("status") or values.get("outcome") or ()
            read = Read(user_id, view, after, exchange.answer, limit=limit, only=only)
            return await self._read(exchange, read, values)

        return endpoint

    async def user(self, exchange: Exchange) -> Response:
        """`GET /v1/users/{user_id}?settled=`: everything, or everything that is not over."""
        user_id = user_of(exchange)
        values = query_of(exchange, USER_QUERY)
        view = View.UNSETTLED if values.get("settled") == "none" else View.USER
        return await self._read(exchange, Read(user_id, view, "", exchange.answer), values)

    async def history(self, exchange: Exchange) -> Response:
        """`GET …/history?after=&limit=`: every grant, oldest first, a page at a time."""
        user_id = user_of(exchange)
        values = query_of(exchange, HISTORY_QUERY)
        after, limit = values.get("after", 0), values.get("limit", 0)
        read = Read(user_id, View.HISTORY, "", exchange.answer, after, limit)
        return await self._read(exchange, read, values)

    async def _read(self, exchange: Exchange, read: Read, values: Mapping[str, Any]) -> Response:
        if values and values.get("min_version"):
            await self._wait_for_version(read.user_id, values["min_version"])
        [reply] = await self._users.ask([read])
        if reply.code:
            raise refusal(reply)
        if not reply.position:
            return answered(reply.body, exchange.answer)
        etag = b'"%b"' % reply.position.encode()
        headers = (*API_HEADERS, (b"etag", etag))
        # How far a chapter is off its plan depends on the rules too, which have no version.
        if read.view not in _RATED and is_known(exchange, etag):
            return Response(304, b"", b"", headers)
        return answered(reply.body, exchange.answer, headers)

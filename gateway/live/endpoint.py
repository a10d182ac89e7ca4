"""`GET …/live`: who asks, whether they may, and the connection that they get.

Not for: what is said on it (`connection`).
"""

from collections.abc import Awaitable, Callable

from actors.messages import Media
from gateway.api.cross_origin import CrossOrigin
from gateway.api.exchange import Exchange
from gateway.api.parameters import user_of
from gateway.auth.authenticator import Caller, Role
from gateway.http.messages import Response, Upgraded
from gateway.live.close_codes import close_of
from gateway.live.connection import LiveConnection
from gateway.live.connections import LiveConnections
from gateway.live.opening import Handshake, Wish, wish_of
from gateway.live.refused import RefusedConnection
from gateway.problems import Problem

Admit = Callable[[Exchange, bytes | None], Awaitable[Caller]]
"""Who holds the token, if there is room for their request; raises `Problem`."""


class LiveEndpoint:
    """Opens live connections."""

    def __init__(
        self, connections: LiveConnections, admit: Admit, cross_origin: CrossOrigin
    ) -> None:
        self._connections = connections
        self._admit = admit
        self._cross_origin = cross_origin

    async def one(self, exchange: Exchange) -> Response | Upgraded:
        """`GET /v1/users/{user_id}/live`."""
        return await self._open(exchange, user_of)

    async def many(self, exchange: Exchange) -> Response | Upgraded:
        """`GET /v1/live`."""
        return await self._open(exchange, _nobody_in_particular)

    async def _open(
        self, exchange: Exchange, only_of: Callable[[Exchange], str | None]
    ) -> Response | Upgraded:
        handshake = Handshake(exchange)
        try:
            wish = await self._wish(exchange, handshake, only_of)
        except Problem as problem:
            if not (handshake.hides_refusals and handshake.is_sound):
                raise
            close, text = close_of(problem), handshake.media is not Media.MSGPACK
            return Upgraded(handshake.answer(), lambda: RefusedConnection(close, text=text))
        return Upgraded(handshake.answer(), lambda: LiveConnection(wish, self._connections))

    async def _wish(
        self,
        exchange: Exchange,
        handshake: Handshake,
        only_of: Callable[[Exchange], str | None],
    ) -> Wish:
        media = handshake.check()
        self._cross_origin.check(exchange.headers)
        exchange.caller = await self._admit(exchange, handshake.token)
        only = only_of(exchange)
        self._connections.check_room()
        return wish_of(exchange, exchange.caller, media, only)


def _nobody_in_particular(exchange: Exchange) -> None:
    """A line of many: for services.

    Raises:
        Problem: `not_allowed`.
    """
    if exchange.caller.role is Role.PLAYER:
        detail = "A player may not open a connection for many users: only a service may"
        raise Problem("not_allowed", detail)

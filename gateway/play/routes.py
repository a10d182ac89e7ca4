"""What `/play` asks of the server: its files, a player, and that player's story.

Whoever reaches a server on loopback may play, and gets a token for that: of a new player whose id
begins with `play-`.  Such a player may send themself what otherwise a service sends, so that the
page can tell a story; nobody else is within reach, and no token of a service leaves the server.

Not for: which story is told (`gateway/play/static`).
"""

import secrets

import orjson

from gateway.api.commands.endpoints import CommandEndpoints
from gateway.api.exchange import Exchange
from gateway.api.routes import Route
from gateway.auth.authenticator import Caller, Role
from gateway.auth.tokens import mint
from gateway.http.messages import Response
from gateway.play.assets import asset, page, vendored
from gateway.problems import Problem

PREFIX = "play-"
"""What the ids of the page's players begin with."""
STORYTELLER = "play"
TOKEN_HOURS = 30 * 24.0


class PlayEndpoints:
    """Players of the page, and what their story sends them."""

    def __init__(self, secret: bytes, commands: CommandEndpoints) -> None:
        self._secret = secret
        self._commands = commands

    async def new_player(self, exchange: Exchange) -> Response:
        """`POST /play/players`: the id of a player who did not exist before, and a token."""
        user_id = PREFIX + secrets.token_hex(6)
        token = mint(self._secret, user_id, Role.PLAYER, TOKEN_HOURS)
        return Response(
            200, b"application/json", orjson.dumps({"user_id": user_id, "token": token})
        )

    async def tell(self, exchange: Exchange) -> Response:
        """`POST /play/story`: commands of a service to the caller, answered as to a service.

        Raises:
            Problem: `not_allowed` for anybody who is no player of the page.
        """
        player = exchange.caller
        if player.role is not Role.PLAYER or not player.sub.startswith(PREFIX):
            detail = (
                f"This path is for players whose id begins with {PREFIX}; yours is {player.sub}"
            )
            raise Problem("not_allowed", detail)
        exchange.caller = Caller(STORYTELLER, Role.SERVICE, player.expires_at)
        exchange.parameters = (player.sub,)
        return await self._commands.post_to_user(exchange)


def play_routes(endpoints: PlayEndpoints) -> list[Route]:
    """The page, and the two paths that only it has."""
    return [
        Route("GET", "/play", page, private=False),
        Route("GET", "/play/{asset}", asset, private=False),
        Route("GET", "/play/vendor/{asset}", vendored, private=False),
        Route("POST", "/play/players", endpoints.new_player, private=False),
        Route("POST", "/play/story", endpoints.tell),
    ]

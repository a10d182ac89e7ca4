"""A gateway of this process with live connections, and clients that speak frame by frame."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self

import msgpack
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from actors.cluster.local import LocalCluster
from actors.host.settings import HostSettings
from domain.rules.compiled_rules import compile_rules
from gateway.api.app import App
from gateway.auth.authenticator import Secret
from gateway.http.listener import Listener, free_address
from gateway.server.application import make_app
from gateway.server.rules_reload import ServedRules
from gateway.settings import Settings
from persistence.memory import MemoryStore, World
from tests.gateway.gateway_kit import PLAYER, RULES_TEXT, SECRET, SERVICE

JSON, MSGPACK = "questkeep.v1.json", "questkeep.v1.msgpack"
PATIENCE_SECONDS = 10.0

Frame = dict[str, Any]


async def _broadcast(text: str) -> None:
    """There is one gateway and one host; whoever changes rules tells both."""


class Server:
    """A gateway on a free port of loopback, over users in this process."""

    def __init__(self, app: App, listener: Listener, cluster: LocalCluster, url: str) -> None:
        self.app = app
        self.listener = listener
        self.cluster = cluster
        self.url = url

    def connect(
        self,
        path: str = "/v1/users/me/live",
        bearer: str | None = PLAYER,
        *,
        subprotocols: Sequence[str] = (JSON,),
        **more: Any,
    ) -> "Dial":
        """A client's connection; `async with` it."""
        headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
        return Dial(self.url + path, headers, list(subprotocols), more)

    def service(self, path: str = "/v1/live", **more: Any) -> "Dial":
        """A service's connection for many users."""
        return self.connect(path, SERVICE, **more)


class Dial:
    """A connection that is opened by `async with`."""

    def __init__(
        self, url: str, headers: dict[str, str], subprotocols: list[str], more: dict[str, Any]
    ) -> None:
        self._url = url
        self._options: dict[str, Any] = {
            "additional_headers": headers,
            "subprotocols": subprotocols,
            "compression": None,
            "ping_interval": None,
            "close_timeout": 1,
            "max_size": None,
            **more,
        }

    async def __aenter__(self) -> "Client":
        self._client = Client(await connect(self._url, **self._options))
        return self._client

    async def __aexit__(self, *_: object) -> None:
        await self._client.socket.close()


class Client:
    """What a client has heard, frame by frame."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self._heard: list[Frame] = []

    async def send(self, *frames: Any) -> None:
        """Send one frame, or several as a list."""
        content: Any = frames[0] if len(frames) == 1 else list(frames)
        is_json = self.socket.subprotocol == JSON
        await self.socket.send(json.dumps(content) if is_json else msgpack.packb(content))

    async def hear(self) -> Frame:
        """The next frame."""
        while not self._heard:
            async with asyncio.timeout(PATIENCE_SECONDS):
                message = await self.socket.recv()
            content = json.loads(message) if isinstance(message, str) else msgpack.unpackb(message)
            self._heard += content if isinstance(content, list) else [content]
        return self._heard.pop(0)

    async def hear_of(self, *kinds: str) -> Frame:
        """The next frame of one of these types; those before it are let go."""
        while True:
            frame = await self.hear()
            if frame["type"] in kinds:
                return frame

    async def closed(self) -> tuple[int, str]:
        """Wait until the server closes: the code and the reason."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while True:
                    await self.socket.recv()
        except ConnectionClosed as end:
            return (1006, "") if end.rcvd is None else (end.rcvd.code, end.rcvd.reason)


@asynccontextmanager
async def server(world: World | None = None, **settings: Any) -> AsyncIterator[Server]:
    """A gateway with live connections; everything is closed at the end."""
    host_settings = HostSettings("memory://", RULES_TEXT)
    cluster = LocalCluster(host_settings, MemoryStore(world or World()))
    await cluster.start()
    rules = ServedRules(compile_rules(RULES_TEXT), lambda: RULES_TEXT, _broadcast)
    app = make_app(Settings(**settings), Secret(SECRET), cluster, rules, SECRET)
    address = free_address("127.0.0.1", 0)
    listener = Listener(app.answer, address)
    await listener.start()
    app.ready = True
    try:
        yield Server(app, listener, cluster, address.url.replace("http", "ws"))
    finally:
        app.drain()
        await listener.stop()
        await cluster.drain()


def command(kind: str, command_id: str, **fields: Any) -> Frame:
    """A command as a frame."""
    return {"type": kind, "command_id": command_id, **fields}


def grant(command_id: str, amount: int = 10, **fields: Any) -> Frame:
    """A service's command that changes any user."""
    kind = "grant_player_progression_experience"
    return command(kind, command_id, amount=amount, **fields)


__all__ = ["JSON", "MSGPACK", "Client", "Dial", "Self", "Server", "command", "grant", "server"]

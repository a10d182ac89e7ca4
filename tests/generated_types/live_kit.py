"""Frames of live connections to hold generated types against: a service's line and a player's.

Every kind of command goes over the service's line, and some refusals; the player's shows what came
of those that are about alice.
"""

import json
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from gateway.api.docs.examples import COMMAND_EXAMPLES
from questkeep_testing.server import LocalServer

ANSWERS = ("reply", "problem")
FORM: Any = ["questkeep.v1.json"]

Frame = dict[str, Any]


async def frames() -> list[Frame]:
    """What both lines said."""
    commands: list[Frame] = [
        *({"user_id": "alice", **example["value"]} for example in COMMAND_EXAMPLES.values()),
        {"user_id": "alice", "type": "no such", "command_id": "c-1"},
    ]
    with LocalServer() as server:
        url = server.url.replace("http", "ws")
        service = {"Authorization": f"Bearer {server.service_token()}"}
        player = {"Authorization": f"Bearer {server.token('alice')}"}
        many, own = f"{url}/v1/live", f"{url}/v1/users/me/live?settled=none"
        async with (
            connect(many, subprotocols=FORM, additional_headers=service) as line,
            connect(own, subprotocols=FORM, additional_headers=player) as shown,
        ):
            watch = {"type": "watch", "users": [{"user_id": "alice"}, {"user_id": "bob"}]}
            for frame in (watch, {"type": "tick"}, *commands):
                await line.send(json.dumps(frame))
            said: list[Frame] = []
            while sum(frame["type"] in ANSWERS for frame in said) < len(commands):
                said += await _next(line)
            last = max(frame.get("version", 0) for frame in said)
            while not said[-1].get("version") == last or said[-1]["type"] != "changes":
                said += await _next(shown)
    return said


async def _next(line: ClientConnection) -> list[Frame]:
    message = json.loads(await line.recv())
    return message if isinstance(message, list) else [message]

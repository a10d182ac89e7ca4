"""A host with a large user, behind a real socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from actors.host.host import Host
from actors.messages import Ask
from actors.transport.addresses import HostAddress, LocalAddress
from actors.transport.socket_channel import SocketChannel
from actors.transport.socket_server import SocketServer
from domain.decide.limits import Limits
from tests.actors.host_kit import Rig, command

WAIT_SECONDS = 60.0
LARGE = Limits(open_objectives_max=1_000_000)
"""Of hosts whose users become large."""


@asynccontextmanager
async def channel_to(host: Host, folder: Path) -> AsyncIterator[SocketChannel]:
    """A channel to `host`, which listens in `folder`."""
    path = str(folder / "host")
    server = await SocketServer.listen(host, path)

    async def find() -> HostAddress:
        return LocalAddress(path)

    channel = SocketChannel(find)
    try:
        yield channel
    finally:
        channel.close()
        server.close()
        await asyncio.sleep(0.01)  # until the host's ends have noticed


async def grow(rig: Rig, user_id: str, quests: int, objectives: int = 100) -> None:
    """Make a user large: about 9 kB for each quest of a hundred objectives."""
    for number in range(quests):
        (reply,) = await rig.host.ask([offer(user_id, f"big-{number}", objectives)])
        assert reply.code == "", reply


def offer(user_id: str, quest_id: str, objectives: int = 0, **reward: Any) -> Ask:
    """A quest; without objectives it is ready to be turned in."""
    goals = [
        {"kind": "collect", "target": f"target-{number:03}-of-{quest_id}", "required": 3}
        for number in range(objectives)
    ]
    return command(
        user_id,
        f"offer-{quest_id}",
        "offer_quest",
        quest_id=quest_id,
        objectives=goals,
        reward={"experience": 1, **reward},
    )


def turn_in(user_id: str, quest_id: str) -> Ask:
    """Turn a quest in."""
    return command(user_id, f"turn-{quest_id}", "turn_in_quest", quest_id=quest_id)

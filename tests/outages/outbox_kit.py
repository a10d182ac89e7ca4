"""Programs with outboxes that are killed, gateways and hosts too, and what became of each command.

Not for: the program itself (`outbox_child`).
"""

import asyncio
import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
from msgspec import Struct

from tests.end_to_end.server_kit import ROOT
from tests.outages.deployment_kit import Deployment
from tests.outages.history_kit import grants_of
from tests.outages.outbox_file_kit import OutboxFile

FOREIGN = 500
BATCH = 100
POLL_SECONDS = 0.01


class Outcome(Struct):
    """What became of the commands of all programs.

    Attributes:
        ends: how many were answered by a reply, or refused with which code.
        doubled: ids of commands that took effect more than once.
        lost: ids of commands whose reply came, and that did not.
    """

    ends: Counter[str]
    doubled: list[str]
    lost: list[str]


class Player:
    """One user, and the program that sends commands to them."""

    def __init__(self, deployment: Deployment, folder: Path, user_id: str, since: bool) -> None:
        self.user_id = user_id
        self._deployment = deployment
        self._path = folder / f"{user_id}.outbox"
        self._since = since
        self.file = OutboxFile(self._path)
        self._foreign = 0

    async def start(self, count: int) -> asyncio.subprocess.Process:
        """Begin another life of the program, which ends by itself after `count` commands."""
        deployment = self._deployment
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.outages.outbox_child"),
            *(deployment.url, deployment.service, self.user_id, self._path, str(count)),
            "since" if self._since else "without",
            cwd=ROOT,
        )

    async def play(self, count: int, deaths: int, dice: random.Random) -> None:
        """All its lives: killed so often, and every other time 500 others change the user then."""
        for death in range(deaths):
            program = await self.start(count)
            try:
                await self._until_sent((death + 1) * count // (deaths + 1), program)
                await asyncio.sleep(dice.random() * 0.02)
            finally:
                program.kill()
                await program.wait()
            if death % 2 == 0:
                await self._others_change_them()
        program = await self.start(count)
        assert await program.wait() == 0
        self.file.read()
        assert (len(self.file.sent), self.file.unanswered()) == (count, [])

    async def _until_sent(self, count: int, program: asyncio.subprocess.Process) -> None:
        while len(self.file.sent) < count:
            assert program.returncode is None, "the program ended"
            await asyncio.sleep(POLL_SECONDS)
            self.file.read()

    async def _others_change_them(self) -> None:
        """Foreign commands, each list again until all of it was carried out."""
        headers = {"authorization": f"Bearer {self._deployment.service}"}
        async with httpx.AsyncClient(headers=headers, timeout=60) as http:
            for _ in range(FOREIGN // BATCH):
                commands = [self._foreign_command() for _ in range(BATCH)]
                while not await _carried_out(http, self._deployment.url, commands):  # noqa: ASYNC110
                    await asyncio.sleep(POLL_SECONDS)

    def _foreign_command(self) -> dict[str, Any]:
        self._foreign += 1
        return {
            "user_id": self.user_id,
            "command_id": f"foreign-{self.user_id}-{self._foreign}",
            "type": "grant_player_progression_experience",
            "amount": 1,
        }

    async def outcome(self) -> Outcome:
        """What became of its commands, by the store's history."""
        grants = await grants_of(self._deployment.url, self._deployment.service, self.user_id)
        effects = Counter(grant.command_id for grant in grants)
        replied = [command_id for command_id, how in self.file.ends.items() if how == "reply"]
        return Outcome(
            Counter(self.file.ends.values()),
            [command_id for command_id, count in effects.items() if count > 1],
            [command_id for command_id in replied if not effects[command_id]],
        )


def _sent(players: list[Player]) -> int:
    return sum(len(player.file.sent) for player in players)


async def _carried_out(http: httpx.AsyncClient, url: str, commands: list[dict[str, Any]]) -> bool:
    try:
        answer = await http.post(f"{url}/v1/commands", json=commands)
    except httpx.TransportError:
        return False
    return answer.status_code == 200 and not any("code" in each for each in answer.json())


async def outboxes_outlast_outages(
    deployment: Deployment,
    folder: Path,
    users: list[str],
    *,
    commands: int,
    deaths: int,
    kills: int = 0,
    since: bool = True,
) -> Outcome:
    """Every user's program sends `commands`, dies `deaths` times; gateways and host die too."""
    dice = random.Random(commands)
    players = [Player(deployment, folder, user_id, since) for user_id in users]
    playing = asyncio.gather(*(player.play(commands, deaths, dice) for player in players))
    try:
        await _kill_on_the_way(deployment, players, commands * len(players), kills, playing)
        await playing
    finally:
        playing.cancel()
    outcomes = [await player.outcome() for player in players]
    return Outcome(
        sum((outcome.ends for outcome in outcomes), Counter[str]()),
        [command_id for outcome in outcomes for command_id in outcome.doubled],
        [command_id for outcome in outcomes for command_id in outcome.lost],
    )


async def _kill_on_the_way(
    deployment: Deployment,
    players: list[Player],
    commands: int,
    kills: int,
    playing: "asyncio.Future[Any]",
) -> None:
    """Gateways and the host in turns, whenever as many more of the commands were sent."""
    for number in range(1, 2 * kills + 1):
        least = number * commands // (2 * kills + 1)
        while _sent(players) < least and not playing.done():  # noqa: ASYNC110 - in other processes
            await asyncio.sleep(POLL_SECONDS)
        kill = deployment.kill_gateway if number % 2 else deployment.kill_host
        await asyncio.to_thread(kill)

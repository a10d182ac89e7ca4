"""kill -9 of users' processes under HTTP load: the real server, on Ray (R1).

Not for: many kills; a process takes Ray a second or two to bring back.
"""

import asyncio
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from tests.end_to_end.server_kit import Server, environment
from tests.torture.checker import Checker
from tests.torture.generator import Generator
from tests.torture.history import Operation
from tests.torture.outcome import Outcome, Progress

USERS = 4
CLIENTS_PER_USER = 3
ANSWERS_BETWEEN_KILLS = 40
PATIENCE_SECONDS = 120.0


class _Load:
    """Clients over HTTP that ask until they know."""

    def __init__(self, http: httpx.AsyncClient, seed: int) -> None:
        self.checker = Checker()
        self.answered = 0
        self.retries = 0
        self.stopping = False
        self._http = http
        self._dice = random.Random(seed)

    async def play(self, number: int) -> None:
        """One client's commands until told to stop."""
        user_id = f"ray-{number % USERS}"
        generator = Generator(user_id, f"k{number}", random.Random(self._dice.random()))
        while not self.stopping:
            operation = self.checker.invoke(user_id, generator.next())
            while not await self._once(operation):
                self.retries += 1
            self.answered += 1

    async def _once(self, operation: Operation) -> bool:
        """Send one to three copies side by side; whether one was answered."""
        copies = [self._post(operation) for _ in range(self._dice.choice((1, 1, 2, 3)))]
        return any(await asyncio.gather(*copies))

    async def _post(self, operation: Operation) -> bool:
        path = f"/v1/users/{operation.user_id}/commands"
        try:
            response = await self._http.post(path, json=operation.fields)
        except httpx.HTTPError:
            return False
        body: dict[str, Any] = response.json()
        if response.status_code == 200:
            self.checker.acknowledge(operation, body, 0)
            return True
        return not self.checker.refuse(operation, body["code"], 0)

    async def settle(self) -> None:
        """What the server says at the end must add up."""
        for user_id, history in self.checker.histories.items():
            body = (await self._http.get(f"/v1/users/{user_id}")).json()
            self.checker.check_totals(
                user_id, body["version"], body["player_progression"]["total_xp"]
            )
            newest = sorted(history.by_version)[-64:]
            for operation in (history.by_version[version] for version in newest):
                path = f"/v1/users/{user_id}/commands/{operation.command_id}"
                self.checker.acknowledge(operation, (await self._http.get(path)).json(), 0)


async def kills_on_ray(
    seed: int, kills: int, progress: Progress, placement: str = "dedicated"
) -> Outcome:
    """Kill a user's process every so many answers, then stop the server and read it all again."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="questkeep-ray-") as name:
        folder, done = Path(name), 0
        server = await asyncio.to_thread(_start, folder, placement)
        try:
            async with _client(server) as http:
                load = _Load(http, seed)
                playing = [
                    asyncio.create_task(load.play(number))
                    for number in range(USERS * CLIENTS_PER_USER)
                ]
                dice = random.Random(seed)
                while done < kills and not load.checker.violations:
                    await _answers(load, playing)
                    try:
                        found = await asyncio.to_thread(server.user_processes)
                    except AssertionError:  # all of them are just being started again
                        continue
                    for process in dice.sample(found, min(len(found), dice.randint(1, 2))):
                        process.kill()
                        done += 1
                    progress(done, kills)
                load.stopping = True
                await asyncio.wait_for(asyncio.gather(*playing), PATIENCE_SECONDS)
                await load.settle()
            await asyncio.to_thread(server.stop)
            server = await asyncio.to_thread(_start, folder, placement)
            async with _client(server) as http:
                load._http = http
                await load.settle()
        finally:
            await asyncio.to_thread(server.end)
    return _outcome(f"kill -9 of {placement} hosts on Ray, over HTTP", load, done, kills, began)


async def _answers(load: _Load, playing: list["asyncio.Task[None]"]) -> None:
    until, began = load.answered + ANSWERS_BETWEEN_KILLS, time.monotonic()
    while load.answered < until:
        await asyncio.sleep(0.01)
        for task in playing:
            if task.done():
                task.result()
        if time.monotonic() - began > PATIENCE_SECONDS:
            raise AssertionError("the server answers nobody")


def _start(folder: Path, placement: str) -> Server:
    return Server(folder, "--receipt-window", "10000", "--placement", placement)


def _client(server: Server) -> httpx.AsyncClient:
    found = subprocess.run(
        [sys.executable, "-m", "cli", "token", "--service", "game"],
        cwd=server.folder,
        env=environment(),
        check=True,
        capture_output=True,
        text=True,
    )
    headers = {"authorization": f"Bearer {found.stdout.strip()}"}
    return httpx.AsyncClient(base_url=server.url, headers=headers, timeout=60)


def _outcome(name: str, load: _Load, done: int, kills: int, began: float) -> Outcome:
    checker = load.checker
    return Outcome(
        name,
        done,
        kills,
        checker.lost,
        checker.doubled,
        round(time.monotonic() - began, 1),
        {
            "replies": checker.acknowledged,
            "replayed": checker.replayed,
            "asked_again": load.retries,
        },
        [f"{one.kind}: {one.user_id} {one.command_id}: {one.what}" for one in checker.violations],
    )

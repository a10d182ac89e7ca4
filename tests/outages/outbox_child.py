"""A program with an outbox: sends grants of 1 to one user until so many were sent and answered.

    python -m tests.outages.outbox_child URL TOKEN USER FILE COUNT since|without

Started again it sends what has no answer first, under the same ids and `since`, in the old order.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

from questkeep_client import Client, connect
from questkeep_client.protocol.commands import GrantExperience
from questkeep_client.protocol.outbox import Pending
from questkeep_client.protocol.problems import Closed
from tests.outages.outbox_file_kit import OutboxFile

UNANSWERED = 60


class Program:
    """One life of it."""

    def __init__(self, client: Client, user_id: str, outbox: OutboxFile) -> None:
        self._client = client
        self._user_id = user_id
        self._outbox = outbox
        self._room = asyncio.Semaphore(UNANSWERED)

    async def run(self, count: int, since: bool) -> None:
        """Send what is left of `count` commands, and wait for every answer."""
        self._outbox.read()
        for frame in self._outbox.unanswered():
            await self._send(frame)
        user = self._client.user(self._user_id)
        if since:
            await user.ready()
        for number in range(len(self._outbox.sent), count):
            await self._room.acquire()
            frame = GrantExperience(amount=1).frame(f"{self._user_id}-{number}")
            frame["user_id"] = self._user_id
            if since:
                frame["since"] = str(user.mirror.position)
            self._outbox.send(frame)
            self._room.release()
            await self._send(frame)
        for _ in range(UNANSWERED):
            await self._room.acquire()

    async def _send(self, frame: dict[str, Any]) -> None:
        await self._room.acquire()
        pending = Pending(self._user_id, frame, self._answered)
        self._client.connector.write(self._client.session.send(pending))

    def _answered(self, end: dict[str, Any] | Closed) -> None:
        assert not isinstance(end, Closed), end
        self._outbox.end(end["command_id"], end.get("code", "reply"))
        self._room.release()


async def main(url: str, token: str, user_id: str, path: str, count: str, delivery: str) -> None:
    """Live until everything is answered."""
    async with connect(url, token) as client:
        program = Program(client, user_id, OutboxFile(Path(path)))
        await program.run(int(count), delivery == "since")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

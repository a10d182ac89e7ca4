"""Clients that ask until they know: every command one to five times, again after every death.

Not for: what they ask (`players`), or judging what they were told (`ledger`).
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import msgpack

from actors.messages import Ask, Media, Read, Reply, Request, View
from tests.torture.host_process import HostDied, HostProcess
from tests.torture.ledger import Entry, Ledger
from tests.torture.players import Fields, Player

PAUSE_SECONDS = 0.02
COPIES = (1, 1, 1, 2, 2, 3, 4, 5)
AGAIN_MAX = 12
"""How far back a client repeats what was answered: well inside two clients' receipt window."""


class Front:
    """Which host serves now.  Clients wait here while none does."""

    def __init__(self) -> None:
        self._host: HostProcess | None = None
        self._changed = asyncio.Condition()
        self.answered = 0

    async def turn_to(self, host: HostProcess | None) -> None:
        """From now on this one serves."""
        async with self._changed:
            self._host = host
            self._changed.notify_all()

    async def host(self, but: HostProcess | None = None) -> HostProcess:
        """The serving host, once it is another than `but`."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._host is not None and self._host is not but)
            assert self._host is not None
            return self._host


class Client:
    """One client, playing one user after the other."""

    def __init__(
        self,
        name: str,
        users: Callable[[int], str],
        ledger: Ledger,
        front: Front,
        dice: random.Random,
        commands_per_user: int,
    ) -> None:
        self.user_id = users(0)
        self._name = name
        self._users = users
        self._ledger = ledger
        self._front = front
        self._dice = dice
        self._commands_per_user = commands_per_user
        self._answered: deque[Entry] = deque(maxlen=AGAIN_MAX)
        self.stopping = False

    async def play(self) -> None:
        """Until told to stop."""
        generation = 0
        while not self.stopping:
            self.user_id = self._users(generation)
            self._answered.clear()
            player = Player(self.user_id, f"{self._name}-g{generation}", self._dice)
            while player.asked < self._commands_per_user and not self.stopping:
                await self._one(player.next())
            generation += 1

    async def _one(self, fields: Fields) -> None:
        entry = self._ledger.asked(self.user_id, fields)
        await self._until_known(entry)
        chance = self._dice.random()
        if chance < 0.05:
            await self._read()
        elif chance < 0.1 and self._answered:
            await self._until_known(self._dice.choice(self._answered), gives_up=True)
        elif chance < 0.12 and entry.body is not None:
            await self._reuse(entry)
        if entry.body is not None:
            self._answered.append(entry)

    async def _until_known(self, entry: Entry, gives_up: bool = False) -> None:
        """Send copies until one is answered.  Now and then a client gives up after a death."""
        dead: HostProcess | None = None
        while True:
            host = await self._front.host(but=dead)
            answers = await self._send(host, entry, self._dice.choice(COPIES))
            known = [self._told(entry, one, host) for one in answers if isinstance(one, Reply)]
            if any(known):
                self._front.answered += 1
                return
            if len(known) < len(answers):
                dead = host
                if gives_up or self._dice.random() < 0.05:
                    entry.over = True
                    return
            else:
                await asyncio.sleep(PAUSE_SECONDS)

    async def _send(
        self, host: HostProcess, entry: Entry, copies: int
    ) -> Sequence[Reply | BaseException]:
        """All copies in one message, or each in one of its own."""
        asks: list[Request] = [Ask(entry.user_id, entry.fields, Media.MSGPACK)] * copies
        if self._dice.random() < 0.5:
            try:
                return await host.ask(asks)
            except HostDied as error:
                return [error]
        answers = await asyncio.gather(*(host.ask([one]) for one in asks), return_exceptions=True)
        return [one if isinstance(one, BaseException) else one[0] for one in answers]

    def _told(self, entry: Entry, reply: Reply, host: HostProcess) -> bool:
        """Write it down; whether that was an answer."""
        if reply.code == "user_unavailable" and reply.retry_after_ms is None:
            self._ledger.violate("lost", entry.user_id, entry.command_id, reply.detail)
        if reply.code:
            return not self._ledger.refused(entry, reply.code, host.number)
        self._ledger.told(entry, msgpack.unpackb(reply.body), host.number)
        return True

    async def _reuse(self, entry: Entry) -> None:
        """The same id for another command is refused."""
        other = {
            "command_id": entry.command_id,
            "type": "grant_player_progression_experience",
            "amount": 7_777,
        }
        reply = await self._once(Ask(entry.user_id, other, Media.MSGPACK))
        if reply is not None and reply.code == "":
            what = "another command was accepted under the same id"
            self._ledger.violate("forgotten", entry.user_id, entry.command_id, what)

    async def _read(self) -> None:
        floor = self._ledger.book(self.user_id).version_seen
        host = await self._front.host()
        reply = await self._once(Read(self.user_id, View.USER, "", Media.MSGPACK))
        if reply is not None and not reply.code:
            body: dict[str, Any] = msgpack.unpackb(reply.body)
            self._ledger.read(self.user_id, body["version"], floor, host.number)

    async def _once(self, request: Request) -> Reply | None:
        host = await self._front.host()
        try:
            (reply,) = await host.ask([request])
        except HostDied:
            return None
        return reply

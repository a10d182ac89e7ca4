"""Clients, Jepsen's processes: each sends a command one to five times, again after every death.

Not for: what they ask (`generator`), or judging what they were answered (`checker`).
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import msgpack

from actors.messages import Ask, Media, Read, Reply, Request, View
from domain.messages.commands import decode_command
from tests.torture.checker import Checker
from tests.torture.generator import Fields, Generator
from tests.torture.history import Operation
from tests.torture.host_process import HostDied, HostProcess

PAUSE_SECONDS = 0.02
COPIES = (1, 1, 1, 2, 2, 3, 4, 5)
AGAIN_MAX = 12
"""How far back a client repeats what was answered: well inside two clients' receipt window."""


class Router:
    """Sends clients to the host that serves now; they wait here while none does."""

    def __init__(self) -> None:
        self._host: HostProcess | None = None
        self._changed = asyncio.Condition()
        self.answered = 0

    async def route_to(self, host: HostProcess | None) -> None:
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
    """One client, asking for one user after the other."""

    def __init__(
        self,
        name: str,
        users: Callable[[int], str],
        checker: Checker,
        router: Router,
        dice: random.Random,
        commands_per_user: int,
    ) -> None:
        self.user_id = users(0)
        self._name = name
        self._users = users
        self._checker = checker
        self._router = router
        self._dice = dice
        self._commands_per_user = commands_per_user
        self._answered: deque[Operation] = deque(maxlen=AGAIN_MAX)
        self.stopping = False

    async def run(self) -> None:
        """Send commands until `stopping`."""
        generation = 0
        while not self.stopping:
            self.user_id = self._users(generation)
            self._answered.clear()
            generator = Generator(self.user_id, f"{self._name}-g{generation}", self._dice)
            while generator.asked < self._commands_per_user and not self.stopping:
                await self._one(generator.next())
            generation += 1

    async def _one(self, fields: Fields) -> None:
        operation = self._checker.invoke(self.user_id, fields)
        await self._until_known(operation)
        chance = self._dice.random()
        if chance < 0.05:
            await self._read()
        elif chance < 0.1 and self._answered:
            await self._until_known(self._dice.choice(self._answered), gives_up=True)
        elif chance < 0.12 and operation.body is not None:
            await self._reuse(operation)
        if operation.body is not None:
            self._answered.append(operation)

    async def _until_known(self, operation: Operation, gives_up: bool = False) -> None:
        """Send copies until one is answered.  Now and then a client gives up after a death."""
        dead: HostProcess | None = None
        while True:
            host = await self._router.host(but=dead)
            answers = await self._send(host, operation, self._dice.choice(COPIES))
            known = [
                self._record(operation, one, host) for one in answers if isinstance(one, Reply)
            ]
            if any(known):
                self._router.answered += 1
                return
            if len(known) < len(answers):
                dead = host
                if gives_up or self._dice.random() < 0.05:
                    operation.abandoned = True
                    return
            else:
                await asyncio.sleep(PAUSE_SECONDS)

    async def _send(
        self, host: HostProcess, operation: Operation, copies: int
    ) -> Sequence[Reply | BaseException]:
        """All copies in one message, or each in one of its own."""
        command = decode_command(operation.fields)
        asks: list[Request] = [Ask.of(operation.user_id, command, Media.MSGPACK)] * copies
        if self._dice.random() < 0.5:
            try:
                return await host.ask(asks)
            except HostDied as error:
                return [error]
        answers = await asyncio.gather(*(host.ask([one]) for one in asks), return_exceptions=True)
        return [one if isinstance(one, BaseException) else one[0] for one in answers]

    def _record(self, operation: Operation, reply: Reply, host: HostProcess) -> bool:
        """Put the reply into the history; whether that was an answer."""
        if reply.code == "user_unavailable" and reply.retry_after_ms is None:
            self._checker.violate("lost", operation.user_id, operation.command_id, reply.detail)
        if reply.code:
            return not self._checker.refuse(operation, reply.code, host.number)
        self._checker.acknowledge(operation, msgpack.unpackb(reply.body), host.number)
        return True

    async def _reuse(self, operation: Operation) -> None:
        """The same id for another command is refused."""
        other = {
            "command_id": operation.command_id,
            "type": "grant_player_progression_experience",
            "amount": 7_777,
        }
        reply = await self._once(Ask.of(operation.user_id, decode_command(other), Media.MSGPACK))
        if reply is not None and reply.code == "":
            what = "another command was accepted under the same id"
            self._checker.violate("forgotten", operation.user_id, operation.command_id, what)

    async def _read(self) -> None:
        floor = self._checker.history(self.user_id).version_seen
        host = await self._router.host()
        reply = await self._once(Read(self.user_id, View.USER, "", Media.MSGPACK))
        if reply is not None and not reply.code:
            body: dict[str, Any] = msgpack.unpackb(reply.body)
            self._checker.read(self.user_id, body["version"], floor, host.number)

    async def _once(self, request: Request) -> Reply | None:
        host = await self._router.host()
        try:
            (reply,) = await host.ask([request])
        except HostDied:
            return None
        return reply

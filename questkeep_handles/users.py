"""Users by id, over any user directory: `await users["alice"].turn_in_quest("q-1")`.

The methods, replies and refusals are those of the Python client: a reply means that the change is
durable, a command takes effect once however often it is sent under one id, and a refusal raises
the client's `Problem` with the document that the API would have answered.  Whoever holds a handle
is trusted like a service; nothing is authenticated.

Not for: finding the hosts of a server, or following a user's changes.
"""

import asyncio
from collections.abc import Awaitable
from contextlib import nullcontext
from typing import Any, cast

import msgspec

from actors.cluster.contract import UserDirectory
from actors.errors import DeliveryError
from actors.messages import Ask, Media, Read, Reply, Request, View
from gateway import problems
from gateway.api.changes.long_poll import Waits, wait_for_version
from gateway.api.commands.validation import CommandChecker
from gateway.auth.authenticator import Caller, Role
from questkeep_client.protocol.backoff import waiting_seconds
from questkeep_client.protocol.commands import Command
from questkeep_client.protocol.ids import command_id as new_command_id
from questkeep_client.protocol.problems import SAME, Problem
from questkeep_client.user_commands import Reply as CommandReply
from questkeep_client.user_commands import UserCommands

_SERVICE = Caller("handle", Role.SERVICE, float("inf"))


class UserHandle(UserCommands[Awaitable[CommandReply]]):
    """One user.  Cheap to make; a method for each command."""

    def __init__(self, directory: UserDirectory, user_id: str) -> None:
        self.user_id = user_id
        self._directory = directory

    async def send(self, command: Command, command_id: str = "") -> CommandReply:
        """Send a command, again and again under one id, until it is durable or refused.

        Raises:
            Problem: the rules said no, or a field is wrong; nothing changed.
        """
        fields = command.frame(command_id or new_command_id())
        user_id, checked = CommandChecker(_SERVICE).check_addressed(
            fields | {"user_id": self.user_id}
        )
        if isinstance(checked, problems.Problem):
            raise Problem(checked.document())
        ask = Ask.of(user_id, checked, Media.MSGPACK)
        tries = 0
        while True:
            try:
                return cast(CommandReply, _decoded(await self._ask(ask, checked.command_id)))
            except Problem as problem:
                if problem.retry != SAME:
                    raise
                least = (problem.retry_after_ms or 0) / 1_000
                await asyncio.sleep(max(least, waiting_seconds(tries)))
                tries += 1

    async def at(self, version: int = 0) -> dict[str, Any]:
        """Everything the user owns, read when it is at least `version`: your own write, anywhere.

        Raises:
            Problem: `outcome_unknown`: the version did not come within 2 s; or why the user cannot
                be read now.
        """
        if version:
            try:
                await wait_for_version(self._directory, Waits(nullcontext), self.user_id, version)
            except problems.Problem as problem:
                raise Problem(problem.document()) from problem
        return _decoded(await self._ask(Read(self.user_id, View.USER, "", Media.MSGPACK)))

    async def _ask(self, request: Request, command_id: str | None = None) -> Reply:
        try:
            [reply] = await self._directory.ask([request])
        except DeliveryError as error:
            raise Problem(problems.undelivered(error, command_id).document()) from error
        if reply.code:
            raise Problem(problems.refusal(reply, command_id).document())
        return reply


class Users:
    """Every user of a server, by id."""

    def __init__(self, directory: UserDirectory) -> None:
        self._directory = directory

    def __getitem__(self, user_id: str) -> UserHandle:
        return UserHandle(self._directory, user_id)


def _decoded(reply: Reply) -> dict[str, Any]:
    body: dict[str, Any] = msgspec.msgpack.decode(reply.body)
    return body

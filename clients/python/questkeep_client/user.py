"""One user: commands by name, rows with their types, and every change in order."""

import os
from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from questkeep_client.protocol.changes import Change
from questkeep_client.protocol.commands import Command
from questkeep_client.protocol.following import each_change, each_change_after
from questkeep_client.protocol.mirror import Mirror, Position
from questkeep_client.protocol.session import Frame, Watched
from questkeep_client.user_commands import Reply, UserCommands
from questkeep_client.user_rows import UserRows

if TYPE_CHECKING:
    from questkeep_client.client import Client


class User(UserCommands[Awaitable[Reply]], UserRows):
    """A user by id, cheap to make.  Rows are there after `await user.ready()`."""

    def __init__(self, client: "Client", user_id: str) -> None:
        self.user_id = user_id
        self.client = client

    def send(self, command: Command, command_id: str = "") -> Awaitable[Reply]:
        """As `Client.send`, for this user."""
        return self.client.send(self.user_id, command, command_id)

    async def ready(self) -> None:
        """Wait until the user is shown.

        Raises:
            Closed: the client ended for good before.
        """
        watched = self.client.watch(self.user_id)
        if watched.mirror.position is None:
            async with aclosing(each_change(watched)) as changes:
                await anext(changes)

    async def changes(self, resume: str | Path | None = None) -> AsyncGenerator[Change, None]:
        """Every change of this user, in order, without end: first the state, then each version.

        `resume` is a file that keeps the position of the last change whose turn in your loop was
        finished: a program that starts again goes on exactly there, and gets a `State` only if more
        was missed than the server keeps.

        Raises:
            Closed: the client ended for good.
            ValueError: the file holds something else than a position.
        """
        watched = self._watched
        if resume is None:
            async for change in each_change(watched):
                yield change
            return
        cursor = Cursor(Path(resume))
        known = cursor.read()
        following = (
            each_change(watched)
            if known is None
            else each_change_after(known, watched, self._read_missed)
        )
        async for change in following:
            yield change
            cursor.write(change.position)

    async def at(self, version: int) -> dict[str, Any]:
        """Everything the user owns, read when it is at least `version`: your own write, anywhere.

        Raises:
            Problem: `outcome_unknown`: the version did not come within 2 s.
        """
        return await self.client.reads.user(self.user_id, min_version=version)

    async def _read_missed(self, after: Position) -> list[Frame]:
        return await self.client.reads.changes(self.user_id, after)

    @property
    def mirror(self) -> Mirror:
        """What is shown of the user, who is watched from now on."""
        return self._watched.mirror

    @property
    def _watched(self) -> Watched:
        return self.client.watch(self.user_id)


class Cursor:
    """A position in a file; replaced whole, so that a crash leaves the old one or the new one."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Position | None:
        if not self._path.exists():
            return None
        return Position.parse(self._path.read_text(encoding="utf-8").strip())

    def write(self, position: Position) -> None:
        beside = self._path.with_name(self._path.name + ".new")
        beside.write_text(f"{position}\n", encoding="utf-8")
        os.replace(beside, self._path)

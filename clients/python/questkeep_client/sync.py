"""The same client without `await`, for scripts and threads.

An event loop of its own thread runs the asyncio client; each call waits for its result.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Coroutine, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from questkeep_client import client as asynchronous
from questkeep_client.pipeline import Pipeline as AsyncPipeline
from questkeep_client.protocol.changes import Change
from questkeep_client.protocol.commands import Command
from questkeep_client.protocol.ids import command_id as new_command_id
from questkeep_client.protocol.mirror import Mirror
from questkeep_client.protocol.problems import Problem
from questkeep_client.protocol.session import Frame
from questkeep_client.tokens import TokenSource
from questkeep_client.user import User as AsyncUser
from questkeep_client.user_commands import Reply, UserCommands
from questkeep_client.user_rows import UserRows

T = TypeVar("T")


class Run(Protocol):
    """Runs a coroutine on the client's loop, and waits for its result."""

    def __call__(self, coroutine: Coroutine[Any, Any, T]) -> T: ...


async def _next(changes: AsyncGenerator[Change, None]) -> Change:
    return await anext(changes)


class Client:
    """As the asyncio `Client`; `with` it."""

    def __init__(self, client: asynchronous.Client) -> None:
        self._client = client
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="questkeep", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._client.__aenter__())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._run(self._client.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def user(self, user_id: str = asynchronous.ONESELF) -> "User":
        """One user, as `Client.user`."""
        return User(self._client.user(user_id), self._run)

    @property
    def status(self) -> str:
        """As `Client.status`."""
        return self._client.status

    def pipeline(self, window: int = 2_000) -> "Pipeline":
        """As `Client.pipeline`; everything is answered when the block ends."""
        return Pipeline(self._client.pipeline(window), self._loop)

    def send_all(self, commands: list[tuple[str, Command]], window: int = 2_000) -> list[Frame]:
        """Send many users' commands; each one's `reply` or `problem` frame, in their order."""
        return self._run(self._client.send_all(commands, window))

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()


class Pipeline:
    """As the asyncio `Pipeline`; `with` it, and look at what came of it afterwards."""

    def __init__(self, pipeline: AsyncPipeline, loop: asyncio.AbstractEventLoop) -> None:
        self._pipeline = pipeline
        self._loop = loop

    @property
    def replies(self) -> list[Reply]:
        """Of the commands that took effect, in the order of the answers."""
        return self._pipeline.replies

    @property
    def problems(self) -> list[Problem]:
        """Of those that were refused, likewise."""
        return self._pipeline.problems

    def send(self, user_id: str, command: Command, command_id: str = "") -> str:
        """Take one command, without waiting for anything; its id."""
        command_id = command_id or new_command_id()
        self._loop.call_soon_threadsafe(self._pipeline.send, user_id, command, command_id)
        return command_id

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            # Behind the commands: the loop takes calls in their order.
            asyncio.run_coroutine_threadsafe(self._pipeline.answered(), self._loop).result()


class User(UserCommands[Reply], UserRows):
    """As the asyncio `User`: every wait is a plain call."""

    def __init__(self, user: AsyncUser, run: "Run") -> None:
        self._user = user
        self._run = run

    @property
    def mirror(self) -> Mirror:
        """What is shown of the user; read only."""
        return self._user.mirror

    def send(self, command: Command, command_id: str = "") -> Reply:
        """As `Client.send`, for this user."""
        return self._run(self._user.client.send(self._user.user_id, command, command_id))

    def ready(self) -> None:
        """Wait until the user is shown."""
        self._run(self._user.ready())

    def at(self, version: int) -> dict[str, Any]:
        """Everything the user owns, read when it is at least `version`."""
        return self._run(self._user.at(version))

    def changes(self, resume: str | Path | None = None) -> Iterator[Change]:
        """As `User.changes`: every change in order, without end."""
        changes = self._user.changes(resume)
        try:
            while True:
                yield self._run(_next(changes))
        finally:
            self._run(changes.aclose())


def connect(url: str, token: TokenSource, *, form: str = "msgpack") -> Client:
    """As `questkeep_client.connect`, without `await`."""
    return Client(asynchronous.connect(url, token, form=form))

"""`connect`: a client that stays connected, resumes, and repeats what has no answer."""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Self, cast
from urllib.parse import urlsplit

from questkeep_client.connector import Connector
from questkeep_client.line import FORMATS
from questkeep_client.pipeline import Pipeline
from questkeep_client.protocol.commands import Command
from questkeep_client.protocol.ids import command_id as new_command_id
from questkeep_client.protocol.outbox import Answered, Pending
from questkeep_client.protocol.problems import Closed, Problem
from questkeep_client.protocol.session import Frame, Session, Watched
from questkeep_client.reads import Reads
from questkeep_client.tokens import TokenSource, fetch_token
from questkeep_client.user import User
from questkeep_client.user_commands import Reply

ONESELF = "me"


class Client:
    """One game server's or one player's connection to Questkeep; `async with` it.

    A player's token shows that player (`user()`) and takes their commands.  A service's reaches
    every user (`user("alice")`); it shows those whose changes are asked for.
    """

    def __init__(self, url: str, token: TokenSource, form: str) -> None:
        if urlsplit(url).scheme not in ("http", "https"):
            raise ValueError(f"{url!r} is no address: expected http://HOST:PORT or https://HOST")
        if form not in FORMATS:
            raise ValueError(f"format {form!r} is none of {', '.join(FORMATS)}")
        self._url = url.rstrip("/")
        self._source = token
        self._format = form
        self._reads: Reads | None = None

    async def __aenter__(self) -> Self:
        """Get the first token and begin to connect; nothing waits for the connection itself."""
        token = await fetch_token(self._source)
        self.session = Session(None if token.is_for_many else ONESELF)
        self.connector = Connector(self._url, self._format, self._source, token, self.session)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Leave.  What has no answer yet is given up: whoever waits for it hears `Closed`."""
        await self.connector.close()
        if self._reads is not None:
            await self._reads.close()

    @property
    def status(self) -> str:
        """`connecting`, `live`, `waiting` (for the next try) or `closed`."""
        return self.connector.status

    @property
    def unanswered(self) -> int:
        """How many commands wait for their answer."""
        return len(self.session.outbox)

    def user(self, user_id: str = ONESELF) -> User:
        """One user.

        Raises:
            ValueError: a player's client was asked for somebody else.
        """
        if self.session.only is not None and user_id != self.session.only:
            raise ValueError(f"a player's client has only {ONESELF!r}, not {user_id!r}")
        return User(self, user_id)

    def pipeline(self, window: int = 2_000) -> Pipeline:
        """Many commands without waiting for each; at most `window` of them unanswered."""
        return Pipeline(self.post, window)

    @property
    def reads(self) -> Reads:
        """Reads over HTTP, with this client's token."""
        if self._reads is None:
            self._reads = Reads(self._url, lambda: self.connector.token.text)
        return self._reads

    def watch(self, user_id: str) -> Watched:
        """Show a user from now on; `Watched.listeners` get what changes."""
        self._raise_if_ended()
        watched, frames = self.session.watch(user_id)
        self.connector.write(frames)
        return watched

    def unwatch(self, user_id: str) -> None:
        """Show a user no longer."""
        self.connector.write(self.session.unwatch(user_id))

    def wake(self) -> None:
        """Say that this machine slept or changed its network: a dead line is noticed in 3 s."""
        self.connector.wake()

    def post(self, user_id: str, command: Command, answered: Answered, command_id: str = "") -> str:
        """Send a command; `answered` gets the frame that ends it.  Returns the command's id.

        Raises:
            Closed: the client has ended for good.
            ValueError: a command of this id has no answer yet.
        """
        self._raise_if_ended()
        frame = command.frame(command_id or new_command_id())
        if self.session.only is None:
            frame["user_id"] = user_id
        self.connector.write(self.session.send(Pending(user_id, frame, answered)))
        return str(frame["command_id"])

    async def send(self, user_id: str, command: Command, command_id: str = "") -> Reply:
        """Send a command, again and again under one id, until it is durable or refused.

        Raises:
            Problem: the rules or the server said no; nothing changed.
            Closed: the client ended for good before the answer.
        """
        answer: asyncio.Future[Frame | Closed] = asyncio.get_running_loop().create_future()

        def answered(end: Frame | Closed) -> None:
            if not answer.done():
                answer.set_result(end)

        self.post(user_id, command, answered, command_id)
        end = await answer
        if isinstance(end, Closed):
            raise end
        if end["type"] == "problem":
            raise Problem(end)
        return cast(Reply, end)

    async def send_all(
        self, commands: Sequence[tuple[str, Command]], window: int = 2_000
    ) -> list[Frame]:
        """Send many users' commands, pipelined; each one's `reply` or `problem`, in their order.

        Raises:
            Closed: the client ended for good before all were answered.
        """
        answers: dict[str, Frame] = {}
        async with self.pipeline(window) as pipeline:
            command_ids = [pipeline.send(user_id, command) for user_id, command in commands]
        for frame in (*pipeline.replies, *(problem.document for problem in pipeline.problems)):
            answers[frame["command_id"]] = dict(frame)
        return [answers[command_id] for command_id in command_ids]

    def _raise_if_ended(self) -> None:
        if self.connector.ended is not None:
            raise self.connector.ended


def connect(url: str, token: TokenSource, *, form: str = "msgpack") -> Client:
    """A client of the server at `url`; `token` is one, or a function that gets a fresh one.

    `form` is `msgpack` or `json`.

    Raises:
        ValueError: the address or the format is none.
    """
    return Client(url, token, form)

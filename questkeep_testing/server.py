"""A whole server in the test's process: no Ray, no file, ready within some tens of milliseconds.

It has everything that clients see of a server: HTTP, live connections, tokens, rules, exactly-once
and durability across its own death.  It runs in a thread, so that tests may be plain functions or
coroutines.

Not for: load, or what only several processes show.
"""

import secrets
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Self, TypeVar

from actors.cluster.contract import Activity
from gateway.auth.authenticator import Role
from gateway.auth.tokens import mint
from gateway.server.preflight import check
from gateway.settings import Settings
from persistence.maintenance.export_import import export, import_lines
from persistence.memory import MemoryStore, World
from questkeep_client import Client, Command, connect
from questkeep_client.protocol.ids import command_id as new_command_id
from questkeep_client.user_commands import Reply
from questkeep_handles.users import UserHandle, Users
from questkeep_testing.clock import VirtualClock
from questkeep_testing.crashes import Crash
from questkeep_testing.loop_thread import Killed, LoopThread
from questkeep_testing.network import Network
from questkeep_testing.seeds import played_users, seed_commands
from questkeep_testing.serving import Serving, successor

T = TypeVar("T")

TOKEN_HOURS = 24 * 365.0


class LocalServer:
    """A server; `with` it.

    Args:
        rules: a rules file (TOML) or a preset's name; without one, the preset named default.
        settings: any other setting of `questkeep serve`, such as `receipt_window=256`.

    Attributes:
        clock: what rows and history are dated by, and what idle users wait for.
        url: what clients connect to; the same after a restart.

    Raises:
        ValueError: a setting is out of bounds.
        WrongSettings: the rules cannot be used.
    """

    def __init__(self, rules: str | None = None, **settings: Any) -> None:
        self._secret = secrets.token_hex(32)
        chosen = {"placement": "local", "store": "memory://questkeep-testing", "port": 0}
        chosen |= {"rules": rules, "jwt_secret": self._secret, **settings}
        given: dict[str, Any] = {name: value for name, value in chosen.items() if value is not None}
        self._checked = check(Settings(**given), ExitStack())
        self.url = self._checked.address.url
        self.clock = VirtualClock(self._age)
        self._world = World()
        self._networks: list[Network] = []
        self._serving = self._next()

    def _next(self) -> Serving:
        return Serving(self._checked, self._world, self.clock.now)

    def __enter__(self) -> Self:
        self._thread = LoopThread("questkeep server", self._died)
        self._thread.call(self._serving.start())
        return self

    def __exit__(self, *error: object) -> None:
        for network in self._networks:
            network.close()
        self._thread.call(self._serving.stop())
        self._thread.close()

    # -- who calls it ----------------------------------------------------------------------------

    def token(self, user_id: str) -> str:
        """A player's token."""
        return mint(self._secret.encode(), user_id, Role.PLAYER, TOKEN_HOURS)

    def service_token(self, name: str = "service") -> str:
        """A game server's token: it reaches every user, and may send every command."""
        return mint(self._secret.encode(), name, Role.SERVICE, TOKEN_HOURS)

    def connect(self, user_id: str, url: str = "") -> Client:
        """A player's client; `async with` it.  `url` may be that of a `network`."""
        return connect(url or self.url, self.token(user_id))

    def connect_service(self, url: str = "") -> Client:
        """A game server's client; `async with` it."""
        return connect(url or self.url, self.service_token())

    # -- who plays on it -------------------------------------------------------------------------

    def seed(
        self,
        user_id: str,
        *commands: Command,
        level: int = 1,
        experience: int = 0,
        items: Mapping[str, int] | None = None,
        wallet: Mapping[str, int] | None = None,
        affinity: Mapping[str, int] | None = None,
    ) -> list[Reply]:
        """Give a new user a level and goods, then send the commands; the commands' replies.

        Everything comes about by commands of a service, so it is what could have happened.

        Raises:
            Problem: a command was refused; those before it took effect.
            ValueError: the rules have no such level.
        """
        goods = {"items": items or {}, "currency": wallet or {}, "affinity": affinity or {}}
        given = list(seed_commands(self._checked.rules, level, experience, goods))
        replies = [self._send(user_id, each) for each in (*given, *commands)]
        return replies[len(given) :]

    def _send(self, user_id: str, command: Command) -> Reply:
        command_id = new_command_id()
        return self._call(lambda: self._handle(user_id).send(command, command_id))

    def seed_players(self, story: Path, players: int, seed: int = 0) -> None:
        """Have `player-0`, `player-1`, ... here, who have played a story to its end.

        `story` is a file as `questkeep simulate` takes it.  A player takes some hundredths of a
        second; the server restarts once for all.

        Raises:
            InvalidStory: the file holds none, or none that these rules allow.
            OSError: it cannot be read.
        """
        text = story.read_text(encoding="utf-8")
        self.import_users(*played_users(text, self._checked.rules, players, seed))

    def import_users(self, *lines: bytes) -> None:
        """Put users in as rows: lines of a `questkeep store export`.  The server restarts for it.

        Raises:
            Corrupt, NewerFormat: a line is no user; users before it are there.
        """

        async def put() -> None:
            store = MemoryStore(self._world)
            async for _ in import_lines(store, lines, "lines", owner="a test", replace=True):
                pass

        self._call(self._serving.stop)
        try:
            self._call(put)
        finally:
            self._begin()

    def read(self, user_id: str) -> dict[str, Any]:
        """Everything the user owns, as `GET /v1/users/{user_id}` shows it."""
        return self._call(lambda: self._handle(user_id).at())

    def read_stored(self, user_id: str) -> dict[str, Any]:
        """The same from the store alone: what a server would show that starts now."""
        return self._call(lambda: self._read_stored(user_id))

    def export(self, user_id: str) -> bytes | None:
        """The user as a line for `import_users`; None for somebody who never changed."""
        return self._call(lambda: self._export(user_id))

    async def _export(self, user_id: str) -> bytes | None:
        [exported] = [each async for each in export(MemoryStore(self._world), [user_id])]
        return exported.line

    @property
    def activity(self) -> Activity:
        """How many users are in memory, and how many of them hibernate."""
        return self._serving.cluster.activity()

    async def _read_stored(self, user_id: str) -> dict[str, Any]:
        async with successor(self._checked, self._world, self.clock.now) as cluster:
            return await UserHandle(cluster, user_id).at()

    def _handle(self, user_id: str) -> UserHandle:
        return Users(self._serving.cluster)[user_id]

    # -- what happens to it ----------------------------------------------------------------------

    def network(self) -> Network:
        """A network of its own between clients and this server; it ends with the server."""
        self._networks.append(Network(self.url))
        return self._networks[-1]

    def restart(self) -> None:
        """Stop in peace and start again on what is stored, at the same address."""
        with suppress(Killed):  # then it has started again in its own way
            self._thread.call(self._serving.stop())
            self._begin()

    def kill(self) -> None:
        """Die like a killed process, and start again; see `crash_at`."""
        with suppress(Killed):
            self._thread.call(self._die())

    @contextmanager
    def crash_at(self, point: str) -> Iterator[Crash]:
        """Die like a killed process when `point` is first reached in the block, and start again.

        Clients find the next life at the same address.  `CRASH_POINTS` lists the points.

        Raises:
            AssertionError: the point was not reached in the block.
        """
        with Crash(point, self._thread.kill).armed(self._thread.is_current) as crash:
            yield crash
        self._thread.wait_running()

    def _begin(self) -> None:
        self._serving = self._next()
        with suppress(Killed):  # likewise
            self._thread.call(self._serving.start())

    def _call(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What comes of `work`; once more if the server dies of it."""
        try:
            return self._thread.call(work())
        except Killed:
            return self._thread.call(work())

    def _died(self) -> None:
        """In the server's thread, at the moment of death: nothing it does now has effects."""
        self._serving.abort()
        self._world = self._world.copy()
        self._thread.cancel_all()
        self._serving = self._next()
        self._thread.loop.run_until_complete(self._serving.start())

    def _age(self, seconds: float) -> None:
        with suppress(Killed):  # then nobody is in memory any more
            self._thread.call(self._serving.age(seconds))

    async def _die(self) -> None:
        self._thread.kill()

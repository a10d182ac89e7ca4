"""A host, its gateways and those who watch, with everything that can go wrong between them.

Real hosts over a store in memory, and real sockets between them and the gateways.  A host that is
killed stops where it is: its append is stored or not, and nobody hears of it.

Not for: real deaths (`tests.crash`).
"""

import asyncio
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from actors.feeds.changes import Missed
from actors.feeds.feed import Feed, Listener
from actors.feeds.subscription import read_changes
from actors.host.eviction import hibernate_quiet, passivate_idle
from actors.host.host import Host
from actors.messages import Ask, Media, Read, ReadChanges, Reply, Request, View
from actors.transport.addresses import LocalAddress
from actors.transport.socket_channel import SocketChannel
from actors.transport.socket_server import _Connection as HostConnection
from actors.user.missed_changes import answer_changes
from domain.messages.commands import Command
from domain.state.position import Position
from domain.state.user_state import UserState
from persistence.memory import Faults
from questkeep_testing.strategies.states import RULES
from tests.actors.host_kit import Rig, body
from tests.mirror_kit import TABLES, Rows, Watcher, rows_read

USERS = ("u", "v")


class Gateway:
    """A gateway process, as far as it asks and listens."""

    def __init__(self, system: "System") -> None:
        self._system = system
        self._reachable = asyncio.Event()
        self._reachable.set()
        self.channel = SocketChannel(self._find)

    async def _find(self) -> LocalAddress:
        await self._reachable.wait()
        return await self._system.find()

    def part(self) -> None:
        """Be cut off from the host, for as long as nobody joins it again."""
        self._reachable.clear()
        if (connection := self.channel._connection) is not None:
            assert connection._transport is not None
            connection._transport.abort()

    def join(self) -> None:
        """Reach the host again."""
        self._reachable.set()

    @property
    def parted(self) -> bool:
        return not self._reachable.is_set()

    async def ask(self, requests: Sequence[Request]) -> list[Reply]:
        return await self.channel.ask(requests, 30)

    def watch(self, user_id: str, listener: Listener) -> Feed:
        return self.channel.watched.feeds.watch(user_id, listener)


class System:
    """Two gateways, each with a watcher of either user, and one host at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._rig = Rig()
        self._lives = 0
        self._dead: list[tuple[Host, asyncio.Event]] = []
        self._connections: list[_Connection] = []
        self._servers: list[asyncio.Server] = []
        self.gateways = [Gateway(self) for _ in range(2)]
        self.watchers = [Watcher(each, user) for each in self.gateways for user in USERS]
        self.asked: list[asyncio.Task[list[Reply]]] = []

    async def __aenter__(self) -> "System":
        await self._begin_life()
        for watcher in self.watchers:
            watcher.resume()
        return self

    async def __aexit__(self, *_: object) -> None:
        for watcher in self.watchers:
            watcher.cut()
        for gateway in self.gateways:
            gateway.channel.close()
        for server in self._servers:
            server.close()
        for host, held in self._dead:
            held.set()  # each finds that it was fenced
            await host.tasks.wait_idle()
        await self.host.drain()

    async def _begin_life(self) -> None:
        self._lives += 1
        self._faults = Faults()
        self.host: Host = self._rig.another("users:0", self._faults)
        host, self._path = self.host, str(self._folder / str(self._lives))

        loop = asyncio.get_running_loop()
        factory = partial(_Connection, host, self)
        self._servers.append(await loop.create_unix_server(factory, self._path))

    def connected(self, host: Host, connection: "_Connection") -> None:
        """A gateway has reached a host; one that is dead hangs up."""
        if host is self.host:
            self._connections.append(connection)
        else:
            connection._abort()

    async def find(self) -> LocalAddress:
        """See `Find`."""
        await self.host.open()
        return LocalAddress(self._path)

    def command(self, gateway: int, user_id: str, command: Command) -> None:
        """Send one, and wait for nothing."""
        ask = Ask.of(user_id, command, Media.JSON)
        self.asked.append(asyncio.ensure_future(self.gateways[gateway].ask([ask])))

    async def kill(self, stored: bool) -> None:
        """End the host where it is, its append stored or not, and begin another life of it."""
        held = self._faults.before_append or asyncio.Event()
        if stored and not held.is_set() and self._faults.before_append is None:
            self._faults.after_append = held
        else:
            self._faults.before_append = held
        self._dead.append((self.host, held))
        self.break_connections()
        await self._begin_life()

    def break_connections(self) -> None:
        """Cut every gateway off from the host."""
        connections, self._connections = self._connections, []
        for connection in connections:
            connection._abort()

    def hold(self) -> None:
        """Hold appends from now on, until they are released."""
        if self._faults.before_append is None:
            self._faults.before_append = asyncio.Event()

    def release(self) -> None:
        """Let them go on."""
        if (held := self._faults.before_append) is not None:
            self._faults.before_append = None
            held.set()

    def fail_append(self, stored: bool) -> None:
        """Let the next append fail, its batch stored or not."""
        if stored:
            self._faults.appends_unconfirmed += 1
        else:
            self._faults.appends_lost += 1

    async def hibernate(self) -> None:
        """Let everybody sleep who can."""
        await hibernate_quiet(self.host.activations, 0)

    async def passivate(self) -> None:
        """Have everybody leave memory who can."""
        await passivate_idle(self.host.activations, 0)

    def toggle(self, number: int) -> None:
        """Cut a watcher off who is there, or have one resume who is not."""
        watcher = self.watchers[number % len(self.watchers)]
        if watcher.subscribed:
            watcher.cut()
        else:
            watcher.resume()

    async def settle(self) -> None:
        """Everything is answered, and everybody who watches is at the newest version."""
        self.release()
        for gateway in self.gateways:
            gateway.join()
        await asyncio.gather(*self.asked, return_exceptions=True)
        self._faults.appends_lost = self._faults.appends_unconfirmed = 0
        for user_id in USERS:
            [reply] = await self.gateways[0].ask([Read(user_id, View.USER, "", Media.JSON)])
            version = body(reply)["version"]
            for watcher in self.watchers:
                while watcher.user_id == user_id and watcher.version < version:
                    if not watcher.subscribed:
                        watcher.resume()
                    await watcher.until(partial(_is_done, watcher, version))


def _is_done(watcher: Watcher, version: int) -> bool:
    return watcher.version >= version or not watcher.subscribed


class _Connection(HostConnection):
    """A host's end that the system can cut."""

    def __init__(self, host: Host, system: System) -> None:
        super().__init__(host)
        self._system = system

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._system.connected(self._host, self)


async def truth(gateway: Gateway, user_id: str) -> tuple[list[str], list[Rows]]:
    """The commands that changed a user, and the rows at every version, as the store has them."""
    missed = await read_changes(gateway, ReadChanges(user_id, Position("", 0)))
    assert isinstance(missed, Missed)
    state = UserState(user_id, era=missed.position.era)
    versions = [_shown(state)]
    for change in missed.changes:
        state = state.put(change.changes)
        versions.append(_shown(state))
    assert versions[-1] == await rows_read(gateway, user_id)
    return [change.command_id for change in missed.changes], versions


def _shown(state: UserState) -> Rows:
    reply = answer_changes(state, (), RULES, ReadChanges(state.user_id), state.era)
    assert isinstance(reply, Reply)
    frame = json.loads(reply.body)
    return {table: frame[table] for table in TABLES}

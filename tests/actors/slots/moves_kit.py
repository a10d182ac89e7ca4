"""Hosts whose slots move while users play, lives end and stale ones wake up, in virtual time.

Two gateways send what a few users do, each until it has an answer.  What was acknowledged goes into
a ledger, and at the end a server that begins anew has to know all of it, and nothing else.

Not for: real processes and real stores (`tests.torture`, `tests.end_to_end`).
"""

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Sequence
from random import Random
from typing import Any, NamedTuple, TypeVar

from actors.errors import HostGone
from actors.feeds.feed import Feeds
from actors.held_slots import HeldSlots
from actors.host.host import Host
from actors.messages import Reply, Request
from actors.slots.handover import Handover
from actors.slots.moves import MovesFailed, SlotMoves
from actors.transport.slot_router import SlotRouter
from persistence import slot_table
from persistence.errors import Unavailable
from persistence.journal.recovery import take_over
from persistence.memory import Faults, MemoryStore, MemoryStream, World
from persistence.slot_table import SlotTable, begin_table
from persistence.store import Stream
from tests.actors.host_kit import body, grant, look, settings

T = TypeVar("T")

USERS = [f"u{number}" for number in range(6)]
COMMANDS = 25
HOSTS_MAX = 4
TIMEOUT_SECONDS = 3.0
NOW = itertools.count(1_000_000)


class Step(NamedTuple):
    """Something that happens after `pause` seconds: to a host, or a change of their number."""

    kind: str
    host: int
    pause: float


KINDS = ("scale", "scale", "kill", "stall", "lose_append", "lose_snapshot", "late_table")


class Life:
    """One life of a host, with a store that answers slowly, or not while it is stalled."""

    def __init__(self, game: "Game", name: str) -> None:
        self.dead = asyncio.Event()
        self.running = asyncio.Event()
        self.running.set()
        self.faults = Faults()
        slots = HeldSlots(name)
        self.host = Host(
            name,
            SlowStore(game.world, self.faults, game.random, self.running),
            game.settings,
            now=lambda: next(NOW),
            on_fenced=self.dead.set,
            slots=slots,
        )
        self.handover = Handover(self.host, slots)


class SlowStore(MemoryStore):
    """Answers after a while, in any order."""

    def __init__(
        self, world: World, faults: Faults, random: Random, running: asyncio.Event
    ) -> None:
        super().__init__(world, faults)
        self.random = random
        self.running = running
        self.late_tables = 0

    async def a_while(self) -> None:
        await asyncio.sleep(self.random.choice((0, 0.001, 0.01, 0.05)))
        await self.running.wait()

    async def claim(self, host: str) -> Stream:
        await self.a_while()
        stream = await super().claim(host)
        return SlowStream(stream.id, self._world, self)

    async def read_snapshot(self, user_id: str):  # type: ignore[no-untyped-def]
        await self.a_while()
        return await super().read_snapshot(user_id)

    async def write_snapshot(self, user_id: str, version: int, payload: bytes) -> None:
        await self.a_while()
        if user_id == slot_table.NAME and self.late_tables:
            self.late_tables -= 1
            asyncio.get_running_loop().create_task(self._write_late(version, payload))
            raise Unavailable("no answer; it comes late")
        await super().write_snapshot(user_id, version, payload)

    async def _write_late(self, version: int, payload: bytes) -> None:
        await asyncio.sleep(0.2)
        await MemoryStore.write_snapshot(self, slot_table.NAME, version, payload)


class SlowStream(MemoryStream):
    """Stores after a while, and tells so after another."""

    def __init__(self, stream, world: World, store: SlowStore) -> None:  # type: ignore[no-untyped-def]
        super().__init__(stream, world, store.faults)
        self._store = store

    async def _append(self, payload: bytes) -> None:
        await self._store.a_while()
        await super()._append(payload)
        await self._store.a_while()
        self._journal()


class LifeChannel:
    """A gateway's way to a host, as Ray and sockets are: the life that it last heard of."""

    def __init__(self, game: "Game", name: str) -> None:
        self.feeds = Feeds(lambda _: None, lambda _: None)
        self._game = game
        self._name = name
        self._life: Life | None = None
        self._on_their_way: dict[asyncio.Future[list[Reply]], Sequence[Request]] = {}

    async def ask(self, requests: Sequence[Request], timeout_seconds: float) -> list[Reply]:
        return await self.send(requests, timeout_seconds)

    def send(
        self, requests: Sequence[Request], timeout_seconds: float
    ) -> asyncio.Future[list[Reply]]:
        sent = asyncio.get_running_loop().create_task(self._carry(requests))
        self._on_their_way[sent] = requests
        sent.add_done_callback(self._on_their_way.pop)
        return sent

    def on_their_way(self, of: Callable[[str], bool]) -> list[asyncio.Future[list[Reply]]]:
        return [
            sent
            for sent, requests in self._on_their_way.items()
            if any(of(request.user_id) for request in requests)
        ]

    def find_again(self) -> None:
        self._life = None

    async def _carry(self, requests: Sequence[Request]) -> list[Reply]:
        await asyncio.sleep(self._game.random.choice((0, 0.001, 0.02)))
        while True:
            life = self._life
            if life is None or life.dead.is_set():
                await asyncio.sleep(0.01)
                life = self._life = await self._game.life(self._name)
                await self._game.find(self._name)
            asked = asyncio.ensure_future(life.host.ask(requests))
            died = asyncio.ensure_future(life.dead.wait())
            await asyncio.wait([asked, died], return_when=asyncio.FIRST_COMPLETED)
            died.cancel()
            if asked.done():
                return asked.result()
            asked.cancel()


class Game:
    """One server's hosts, its moves, and the gateways."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.world = World()
        self.always = asyncio.Event()
        self.always.set()
        self.store = SlowStore(self.world, Faults(), self.random, self.always)
        self.lives: dict[str, Life] = {}
        self.answered: dict[str, dict[int, str]] = {user: {} for user in USERS}
        self.starting = asyncio.Lock()

    async def begin(self, hosts: int) -> None:
        server, _ = await take_over(self.store, 128)
        self.settings = settings(server=server.id)
        names = [f"h{number}" for number in range(hosts)]
        table = await begin_table(self.store, server.id, names)
        self.moves = SlotMoves(self.store, table, self.find, self.announce)
        self.gateways = [
            SlotRouter(table, lambda name: LifeChannel(self, name), self.newest) for _ in range(2)
        ]

    async def life(self, name: str) -> Life:
        """The newest life of a host, which is begun where there is none."""
        async with self.starting:
            life = self.lives.get(name)
            if life is None or life.dead.is_set():
                life = self.lives[name] = Life(self, name)
        return life

    async def find(self, name: str) -> "Found":
        life = await self.life(name)
        await until_dead(life, life.host.open())
        return Found(life)

    async def announce(self, table: SlotTable) -> None:
        self.gateways[0].learn(table)  # the other one learns of it from hosts

    async def newest(self) -> SlotTable:
        return self.moves.table

    async def happen(self, step: Step) -> None:
        await asyncio.sleep(step.pause)
        life = self.lives.get(f"h{step.host}")
        if step.kind == "scale":
            try:
                await self.moves.spread([f"h{number}" for number in range(step.host + 1)])
            except MovesFailed:
                pass
        elif step.kind == "late_table":
            self.store.late_tables = 1
        elif life is None:
            return
        elif step.kind == "kill":
            life.dead.set()
            life.running.clear()  # for ever
        elif step.kind == "stall":
            # It is taken for dead and replaced; whoever knows it goes on asking it.
            life.running.clear()
            self.lives.pop(f"h{step.host}", None)
            asyncio.get_running_loop().call_later(1.0, life.running.set)
        elif step.kind == "lose_append":
            life.faults.appends_unconfirmed = 1
        elif step.kind == "lose_snapshot":
            life.faults.snapshot_writes = 1

    async def play(self, user: str) -> None:
        """Commands one after the other, each asked until it has an answer, here or there."""
        for number in range(COMMANDS):
            command = grant(user, f"c{number}", 1)
            while True:
                gateway = self.random.choice(self.gateways)
                try:
                    async with asyncio.timeout(TIMEOUT_SECONDS):
                        [reply] = await gateway.ask([command], TIMEOUT_SECONDS)
                except (TimeoutError, Unavailable, HostGone):
                    continue
                if not reply.code:
                    self._acknowledged(user, f"c{number}", body(reply)["version"])
                    break
                await asyncio.sleep(0.05)

    def _acknowledged(self, user: str, command_id: str, version: int) -> None:
        before = self.answered[user].setdefault(version, command_id)
        assert before == command_id, f"version {version} of {user} was given twice"

    async def audit(self) -> None:
        """A server that begins now knows all that was acknowledged, and nothing else."""
        store = MemoryStore(self.world)
        server, _ = await take_over(store, 128)
        host = Host(
            "audit",
            store,
            settings(server=server.id),
            now=lambda: next(NOW),
            on_fenced=lambda: None,
        )
        for user in USERS:
            assert self.answered[user] == {n + 1: f"c{n}" for n in range(COMMANDS)}
            [reply] = await host.ask([look(user)])
            assert body(reply)["version"] == COMMANDS, f"{user} lost or doubled a turn"
            assert body(reply)["player_progression"]["total_xp"] == COMMANDS


class Found:
    """A host as moves reach it: who calls one that ends hears of that."""

    def __init__(self, life: Life) -> None:
        self._life = life

    async def take(self, table: SlotTable, order: int) -> None:
        await until_dead(self._life, self._life.handover.take(table, order))

    async def write_ahead(self, slots: Sequence[int]) -> None:
        await until_dead(self._life, self._life.handover.write_ahead(slots))

    async def release(self, slots: Sequence[int], order: int) -> str:
        return await until_dead(self._life, self._life.handover.release(slots, order))


async def until_dead(life: Life, work: Coroutine[Any, Any, T]) -> T:
    """What comes of `work`, unless the life ends first."""
    working = asyncio.ensure_future(work)
    died = asyncio.ensure_future(life.dead.wait())
    await asyncio.wait([working, died], return_when=asyncio.FIRST_COMPLETED)
    died.cancel()
    if not working.done():
        working.cancel()
        raise HostGone("it died")
    return working.result()


async def play_through(steps: Sequence[Step], seed: int) -> None:
    """Play while all this happens; then look what is left.  Fails by an assertion."""
    game = Game(seed)
    await game.begin(hosts=2)
    players = [asyncio.create_task(game.play(user)) for user in USERS]
    scene = [asyncio.create_task(_one_after_the_other(game, steps))]
    await asyncio.wait([*players, *scene], return_when=asyncio.FIRST_EXCEPTION)
    for task in (*players, *scene):
        if task.done():
            task.result()
        task.cancel()
    for gateway in game.gateways:
        gateway.close()
    await game.audit()


async def _one_after_the_other(game: Game, steps: Sequence[Step]) -> None:
    """A change of their number goes on while the next things happen."""
    scaling = []
    for step in steps:
        happening = asyncio.create_task(game.happen(step))
        if step.kind == "scale":
            scaling.append(happening)
            await asyncio.sleep(step.pause)
        else:
            await happening
    await asyncio.gather(*scaling)


def steps_of(seed: int) -> list[Step]:
    """Steps that a seed stands for."""
    random = Random(seed)
    return [
        Step(random.choice(KINDS), random.randrange(HOSTS_MAX), random.uniform(0, 0.5))
        for _ in range(12)
    ]

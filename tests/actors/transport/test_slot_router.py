"""The slot router over sockets: order and watchers over moves, whether a gateway hears of them."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from pathlib import Path

import pytest

from actors.errors import Moved, UserUnavailable
from actors.feeds.changes import Change
from actors.feeds.feed import Feeds
from actors.held_slots import HeldSlots
from actors.host.host import Host
from actors.messages import Reply, Request, answered
from actors.slots.handover import Handover
from actors.slots.moves import SlotMoves
from actors.transport.addresses import LocalAddress
from actors.transport.slot_router import SlotRouter
from actors.transport.socket_channel import SocketChannel
from actors.transport.socket_server import SocketServer
from persistence.journal.recovery import take_over
from persistence.memory import MemoryStore, World
from persistence.slot_table import SlotTable, begin_table
from tests.actors.host_kit import body, grant, look, settings

USERS = [f"user-{number}" for number in range(12)]
PIPELINED = 20


class Hosts:
    """Hosts behind sockets, which are started when they are looked for, and two gateways."""

    def __init__(self, folder: Path) -> None:
        self.ended: set[str] = set()
        self._folder = folder
        self._store = MemoryStore(World())
        self._running: dict[str, tuple[Host, Handover]] = {}
        self._servers: list[SocketServer] = []
        self._clock = itertools.count(1_000_000)

    async def begin(self) -> None:
        server, _ = await take_over(self._store, 128)
        self._settings = settings(server=server.id)
        table = await begin_table(self._store, server.id, ["a", "b"])
        self.moves = SlotMoves(self._store, table, self.handover, self._announce)
        self.gateways = [
            SlotRouter(table, lambda name: SocketChannel(partial(self.find, name)), self._newest)
            for _ in range(2)
        ]

    async def find(self, name: str) -> LocalAddress:
        if name in self.ended:
            raise Moved(f"{name} has ended")
        await self.handover(name)
        return LocalAddress(str(self._folder / name))

    async def handover(self, name: str) -> Handover:
        if name not in self._running:
            slots = HeldSlots(name)
            host = Host(
                name,
                self._store,
                self._settings,
                now=lambda: next(self._clock),
                on_fenced=lambda: None,
                slots=slots,
            )
            self._running[name] = host, Handover(host, slots)
            await host.open()
            self._servers.append(await SocketServer.listen(host, str(self._folder / name)))
        return self._running[name][1]

    async def _announce(self, table: SlotTable) -> None:
        self.gateways[0].learn(table)

    async def _newest(self) -> SlotTable:
        return self.moves.table

    async def close(self) -> None:
        for gateway in self.gateways:
            gateway.close()
            for channel in gateway.channels:
                assert isinstance(channel, SocketChannel)
                channel.close()
        for server in self._servers:
            server.close()
        for host, _ in self._running.values():
            await host.drain()


@pytest.fixture
async def hosts(tmp_path: Path) -> AsyncIterator[Hosts]:
    begun = Hosts(tmp_path)
    await begun.begin()
    yield begun
    await begun.close()


@pytest.mark.parametrize("told", [0, 1], ids=["told", "not_told"])
async def test_what_one_gateway_sends_for_a_user_stays_in_order_over_moves(
    hosts: Hosts, told: int
) -> None:
    await commands_stay_in_order(hosts, hosts.gateways[told])


async def commands_stay_in_order(hosts: Hosts, gateway: SlotRouter) -> None:
    """Many of each user's are on their way at once while slots move to and fro."""
    moving = asyncio.create_task(move_to_and_fro(hosts))
    await asyncio.gather(*(play(gateway, user, moving) for user in USERS))
    await moving


async def play(gateway: SlotRouter, user: str, moving: asyncio.Task[None]) -> None:
    asked: list[asyncio.Task[list[Reply]]] = []
    while not moving.done():
        command = grant(user, f"c{len(asked)}", 1)
        asked.append(asyncio.create_task(gateway.ask([command], 30)))
        await asyncio.sleep(0)
        if len(asked) > PIPELINED:
            await asked[-PIPELINED]
    replies = [body(reply) for (reply,) in await asyncio.gather(*asked)]
    assert [reply["version"] for reply in replies] == list(range(1, len(asked) + 1))
    assert not any(reply["replayed"] for reply in replies)


async def move_to_and_fro(hosts: Hosts) -> None:
    for names in (["a", "b", "c"], ["c"], ["a", "b"]):
        await hosts.moves.spread(names)


async def test_many_users_in_one_request_are_answered_in_their_places(hosts: Hosts) -> None:
    moving = asyncio.create_task(move_to_and_fro(hosts))
    for number in itertools.count():
        replies = await hosts.gateways[1].ask([grant(user, f"c{number}", 1) for user in USERS], 30)
        assert [body(reply)["version"] for reply in replies] == [number + 1] * len(USERS)
        if moving.done():
            break
    await moving


class Heard:
    """The versions that a listener was told of, and how often some may have been missed."""

    def __init__(self) -> None:
        self.versions: list[int] = []
        self.lost_times = 0

    def changed(self, change: Change) -> None:
        self.versions.append(change.version)

    def lost(self) -> None:
        self.lost_times += 1


async def test_a_listener_goes_along_and_is_told_that_changes_may_be_missing(hosts: Hosts) -> None:
    gateway = hosts.gateways[0]
    heard = {user: Heard() for user in USERS}
    feeds = [gateway.watch(user, heard[user]) for user in USERS]
    await gateway.ask([grant(user, "c1") for user in USERS], 30)
    await the(lambda: all(each.versions == [1] for each in heard.values()))
    await hosts.moves.spread(["c"])
    assert all(each.lost_times == 1 for each in heard.values())
    await gateway.ask([grant(user, "c2") for user in USERS], 30)
    await the(lambda: all(each.versions == [1, 2] for each in heard.values()))
    for feed in feeds:
        feed.close()
    await gateway.ask([grant(user, "c3") for user in USERS], 30)
    assert all(each.versions == [1, 2] for each in heard.values())


async def test_what_was_sent_to_a_host_that_has_ended_goes_to_whoever_has_the_users(
    hosts: Hosts,
) -> None:
    gateway = hosts.gateways[1]
    await gateway.ask([grant(user, "c1") for user in USERS], 30)
    await hosts.moves.spread(["c"])
    hosts.ended = {"a", "b"}
    for channel in gateway.channels:
        channel.find_again()
    replies = await gateway.ask([grant(user, "c2") for user in USERS], 30)
    assert [body(reply)["version"] for reply in replies] == [2] * len(USERS)


async def test_what_no_host_takes_in_time_hears_of_that(hosts: Hosts) -> None:
    handover = await hosts.handover("a")
    await handover.release(range(64), 1_000)
    [user] = [user for user in USERS if hosts.moves.table.host_of(user) == "a"][:1]
    with pytest.raises(UserUnavailable, match="in time"):
        await hosts.gateways[0].ask([look(user)], 0.1)


async def the(condition: Callable[[], bool]) -> None:
    """Wait until it holds."""
    while not condition():  # noqa: ASYNC110 - no event tells
        await asyncio.sleep(0.001)


class HeldChannel:
    """A way to a host that takes what is sent and answers when the test does."""

    def __init__(self) -> None:
        self.feeds = Feeds(lambda user_id: None, lambda user_id: None)
        self.sent: list[tuple[Sequence[Request], asyncio.Future[list[Reply]]]] = []

    async def ask(self, requests: Sequence[Request], timeout_seconds: float) -> list[Reply]:
        return await self.send(requests, timeout_seconds)

    def send(
        self, requests: Sequence[Request], timeout_seconds: float
    ) -> asyncio.Future[list[Reply]]:
        replies: asyncio.Future[list[Reply]] = asyncio.get_running_loop().create_future()
        self.sent.append((requests, replies))
        return replies

    def on_their_way(self, of: Callable[[str], bool]) -> list[asyncio.Future[list[Reply]]]:
        return [
            replies
            for requests, replies in self.sent
            if not replies.done() and any(of(request.user_id) for request in requests)
        ]

    def find_again(self) -> None: ...


async def what_comes_next_waits() -> None:
    """A slot moves while a command of it is on its way to the host that had it."""
    channels = {"a": HeldChannel(), "b": HeldChannel()}
    before, after = (SlotTable((host,) * 64, version=n) for n, host in enumerate("ab"))
    looks = itertools.count()
    looked = 0

    async def newest() -> SlotTable:
        nonlocal looked
        looked = next(looks)
        return after

    router = SlotRouter(before, channels.__getitem__, newest)
    first = asyncio.create_task(router.ask([grant("u", "c1")], 30))
    await the(lambda: bool(channels["a"].sent))
    router.learn(after)
    second = asyncio.create_task(router.ask([grant("u", "c2")], 30))
    await the(lambda: looked >= 3 or bool(channels["b"].sent))
    assert not channels["b"].sent
    channels["a"].sent[0][1].set_result([answered(b"1", "")])
    await the(lambda: bool(channels["b"].sent))
    channels["b"].sent[0][1].set_result([answered(b"2", "")])
    assert [reply.body for [reply] in await asyncio.gather(first, second)] == [b"1", b"2"]
    router.close()


async def test_what_comes_next_waits_for_what_is_on_its_way_to_the_host_before() -> None:
    await what_comes_next_waits()


def overtakes_what_is_on_its_way(patch: pytest.MonkeyPatch) -> None:
    """After a move requests go to the new host at once, whatever is on its way to the old one."""
    patch.setattr(SlotRouter, "_leave", lambda self, channel, slots: None)


async def test_a_router_that_overtakes_what_is_on_its_way_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    overtakes_what_is_on_its_way(monkeypatch)
    with pytest.raises(AssertionError):
        await what_comes_next_waits()

"""What waits is bounded, and whoever is slow loses nothing."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from actors.cluster.local import LocalCluster
from actors.messages import Ask
from gateway.api.commands.execution import AT_A_HOST_MAX
from gateway.live import connection as connection_module
from gateway.live import user_line
from gateway.live.connection import MESSAGE_BYTES, LiveConnection
from gateway.live.connections import LiveConnections
from tests.gateway.gateway_kit import SERVICE
from tests.gateway.live.live_kit import Client, command, grant, server
from tests.gateway.live.raw_kit import opened

Patch = pytest.MonkeyPatch
ALICE = "/v1/users/alice/live"


@pytest.fixture
def made(monkeypatch: Patch) -> Iterator[list[LiveConnection]]:
    """The server's side of each connection, in the order in which they were opened."""
    connections: list[LiveConnection] = []
    opened = LiveConnections.opened

    def remember(self: LiveConnections, connection: LiveConnection) -> None:
        connections.append(connection)
        opened(self, connection)

    monkeypatch.setattr(LiveConnections, "opened", remember)
    yield connections
    connections.clear()


async def test_the_server_stops_reading_at_so_many_unanswered_commands_and_loses_none(
    monkeypatch: Patch, made: list[LiveConnection]
) -> None:
    gate, stopped = asyncio.Event(), asyncio.Event()
    ask, read_or_not = LocalCluster.ask, LiveConnection.read_or_not

    async def held(self: LocalCluster, requests: Any) -> Any:
        if type(requests[0]).__name__ == "Ask":
            await gate.wait()
        return await ask(self, requests)

    def noticed(self: LiveConnection) -> None:
        read_or_not(self)
        if not self._reading:
            stopped.set()

    monkeypatch.setattr(LocalCluster, "ask", held)
    monkeypatch.setattr(LiveConnection, "read_or_not", noticed)
    async with server() as here, here.connect() as player:
        await player.hear_of("caught_up")
        [line] = made
        for number in range(300):
            await player.send(command("turn_in_quest", f"t{number}", quest_id="q"))
            await asyncio.sleep(0)
        await stopped.wait()
        taken = line._conversation.unanswered
        await player.send({"type": "tick"})
        assert 64 <= taken <= 300
        assert line._conversation.unanswered == taken
        gate.set()
        answers = [await player.hear_of("problem", "tick") for _ in range(301)]
        ids = [answer["command_id"] for answer in answers if answer["type"] == "problem"]
        assert ids == [f"t{number}" for number in range(300)]
        assert line._reading


async def test_a_host_has_few_commands_of_one_connection_at_a_time_and_they_keep_their_order(
    monkeypatch: Patch,
) -> None:
    gates: asyncio.Queue[asyncio.Event] = asyncio.Queue()
    at_host: list[int] = [0]
    most: list[int] = [0]
    ask = LocalCluster.ask

    async def held(self: LocalCluster, requests: Any) -> Any:
        if not isinstance(requests[0], Ask):
            return await ask(self, requests)
        at_host[0] += len(requests)
        most[0] = max(most[0], at_host[0])
        gates.put_nowait(gate := asyncio.Event())
        await gate.wait()
        at_host[0] -= len(requests)
        return await ask(self, requests)

    monkeypatch.setattr(LocalCluster, "ask", held)
    async with server() as here, here.service() as game, here.service() as other:
        await game.send(*[grant(f"c{number}", user_id="alice") for number in range(550)])
        await game.send(*[grant(f"c{number}", user_id="alice") for number in range(550, 555)])
        first, second = await gates.get(), await gates.get()
        await other.send(grant("o", user_id="bob"))
        (await gates.get()).set()  # whoever else asks is let in beside them
        assert (await other.hear_of("reply"))["command_id"] == "o"
        ids: list[str] = []
        answering = asyncio.create_task(_answers(game, 555, ids))
        first.set()
        second.set()
        for _ in range(5):
            (await gates.get()).set()
        await answering
    assert ids == [f"c{number}" for number in range(555)]
    assert most == [AT_A_HOST_MAX + 1]


async def _answers(client: Client, count: int, ids: list[str]) -> None:
    while len(ids) < count:
        ids.append((await client.hear_of("reply"))["command_id"])


async def test_a_client_that_reads_late_is_told_every_version(
    monkeypatch: Patch, made: list[LiveConnection]
) -> None:
    """More wait than are kept: the rest is read again from the receipts."""
    monkeypatch.setattr(connection_module, "WAITING_BYTES_MAX", 4_096)
    monkeypatch.setattr(user_line, "HEARD_MAX", 8)
    async with server() as here, here.service() as game:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        sock.setblocking(False)
        address = here.listener.address
        await asyncio.get_running_loop().sock_connect(sock, (address.ip, address.port))
        async with here.connect(sock=sock, max_queue=1, write_limit=1_024) as slow:
            version = (await slow.hear_of("caught_up"))["version"]
            line = made[1]
            count = 0
            while not (line.paused and line._conversation._lines["alice"].suspended):
                commands = [grant(f"g{count + n}", user_id="alice") for n in range(50)]
                count += 50
                await game.send(*commands)
                for _ in commands:
                    await game.hear_of("reply")
            now = asyncio.get_running_loop().time()
            line.check_deadlines(now + connection_module.UNREAD_SECONDS_MAX - 1)
            for _ in range(300):
                await game.send(grant(f"h{_}", user_id="alice"))
                await game.hear_of("reply")
            total = count + 300
            whole_states = 0
            while version < total:
                frame = await slow.hear_of("changes", "state")
                if frame["type"] == "state":
                    whole_states += 1
                    assert frame["why"] == "too_old"
                    assert frame["version"] > version
                else:
                    assert frame["version"] == version + 1
                version = frame["version"]
            assert whole_states <= 1
            await slow.send({"type": "tick"})
            await slow.hear_of("tick")


async def test_many_who_do_not_read_hold_a_bounded_amount_and_cost_the_others_no_version(
    monkeypatch: Patch, made: list[LiveConnection]
) -> None:
    waiting_max = 16_384
    monkeypatch.setattr(connection_module, "WAITING_BYTES_MAX", waiting_max)
    monkeypatch.setattr(user_line, "HEARD_MAX", 8)
    async with server() as here, AsyncExitStack() as held:
        game = await held.enter_async_context(here.service())
        good = await held.enter_async_context(here.connect())
        await good.hear_of("caught_up")
        for _ in range(20):
            unread = await held.enter_async_context(opened(here, bearer=SERVICE, path=ALICE))
            unread.reader._transport.pause_reading()  # type: ignore[attr-defined]
        lines = made[2:]
        for line in lines:  # the kernel is to take next to nothing for them
            sock = line._transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        version = 0
        while not all(line._conversation._lines["alice"].suspended for line in lines):
            commands = [grant(f"g{version}-{n}", user_id="alice") for n in range(50)]
            await game.send(*commands)
            for _ in commands:
                version += 1
                assert (await good.hear_of("changes"))["version"] == version
        for line in lines:
            assert line.paused
            assert line._transport.get_write_buffer_size() < waiting_max + 2 * MESSAGE_BYTES
            assert line._conversation._lines["alice"]._heard == []


async def test_whoever_reads_slowly_is_not_taken_for_one_who_does_not(
    made: list[LiveConnection],
) -> None:
    async with server() as here, here.connect() as player:
        await player.hear_of("caught_up")
        [line] = made
        loop = asyncio.get_running_loop()
        transport = line._transport
        line._transport = draining = _Draining(transport)  # type: ignore[assignment]
        draining.unsent = 1_000_000
        line.pause_writing()
        for step in range(1, 6):
            draining.unsent -= 1
            line.check_deadlines(loop.time() + step * 8)
            assert not line._closing_at
        line.check_deadlines(loop.time() + 5 * 8 + 11)
        assert line._closing_at
        line._transport = transport
        line.resume_writing()


class _Draining:
    """A transport whose buffer is as full as a test says."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self.unsent = 0

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

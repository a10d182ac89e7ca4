"""Clients that do not read, and clients that send a byte a second, beside good ones.

    python -m benchmarks.unread [--bad 1000] [--seconds 5] [--rounds 3]

Good ones pipeline grants, answered after their changes were synced.  In turns they are alone, and
beside as many of each kind of bad client: some ask again and again for the state of a user with
hundreds of quests and never read, the others open their connections a byte a second.
"""

import argparse
import asyncio
import contextlib
import resource
import socket
import statistics
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

import msgspec
import psutil
import uvloop
from msgspec import Struct

from benchmarks.load.live_clients import LiveClient, open_client
from benchmarks.peers.questkeep.seeding import seed_quests
from benchmarks.report import tables
from benchmarks.report.tables import Figure
from benchmarks.setup.packed_server import PackedServer
from benchmarks.setup.processes import end_as_errors_do
from benchmarks.users.dataset import user_id

GOOD, WINDOW, USERS = 16, 4, 400
LARGE_USER, QUESTS = 0, 400
WATCHES = 20
SETTLE_SECONDS = 4.0
FILES = 65_536
RECEIVE_BYTES = 4_096
DRIPS = 100


class Bad:
    """Clients of both kinds."""

    def __init__(self, url: str, token: str, count: int) -> None:
        place = urlsplit(url)
        assert place.hostname is not None
        assert place.port is not None
        self._address = place.hostname, place.port
        self._token = token
        self._count = count
        self._sockets: list[socket.socket] = []

    async def open(self) -> None:
        """Connect all of them; those that do not read have asked for all that they never read."""
        watch = {"type": "watch", "users": [{"user_id": user_id(LARGE_USER)}]}
        asking = _frame(msgspec.msgpack.encode(watch)) * WATCHES
        handshake = _handshake(self._address, self._token)
        for _ in range(self._count):
            unread, slow = await self._connect(), await self._connect()
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(unread, handshake)
            await loop.sock_recv(unread, 1_024)
            await loop.sock_sendall(unread, asking)
            self._sockets += [unread, slow]

    async def drip(self) -> None:
        """Send a byte a second on every second connection, until cancelled."""
        slow = self._sockets[1::2]
        for byte in _handshake(self._address, self._token):
            for start in range(DRIPS):  # not all at once, which would hold up the good ones here
                for each in slow[start::DRIPS]:
                    with contextlib.suppress(OSError):
                        each.send(bytes([byte]))
                await asyncio.sleep(1 / DRIPS)

    def close(self) -> None:
        """Leave without a word."""
        for each in self._sockets:
            each.close()
        self._sockets.clear()

    async def _connect(self) -> socket.socket:
        connecting = socket.socket()
        connecting.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        connecting.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connecting, self._address)
        return connecting


def _handshake(address: tuple[str, int], token: str) -> bytes:
    return (
        f"GET /v1/live HTTP/1.1\r\nHost: {address[0]}:{address[1]}\r\nConnection: Upgrade\r\n"
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        f"Sec-WebSocket-Protocol: questkeep.v1.msgpack\r\nAuthorization: Bearer {token}\r\n\r\n"
    ).encode()


def _frame(payload: bytes) -> bytes:
    return bytes([0x82, 0x80 | len(payload)]) + bytes(4) + payload


def _grants(start: str) -> Iterator[tuple[int, bytes]]:
    number = 0
    while True:
        number += 1
        command = {
            "user_id": user_id(1 + number % USERS),
            "command_id": f"{start}-{number}",
            "type": "grant_player_progression_experience",
            "amount": 1,
        }
        yield 1, msgspec.msgpack.encode(command)


@contextlib.asynccontextmanager
async def _bad_clients(bad: Bad) -> AsyncIterator[None]:
    await bad.open()
    dripping = asyncio.create_task(bad.drip())
    await asyncio.sleep(SETTLE_SECONDS)
    try:
        yield
    finally:
        dripping.cancel()
        bad.close()


class Run(Struct):
    """One measured run of the good ones: p99 of an answer, and the gateway's CPU for one."""

    p99_ms: float
    gateway_us: float


async def _run(clients: list[LiveClient], process: psutil.Process, seconds: float) -> Run:
    first = [len(client.seconds) for client in clients]
    spent = sum(process.cpu_times()[:2])
    await asyncio.sleep(seconds)
    spent = sum(process.cpu_times()[:2]) - spent
    taken = [
        one * 1e3
        for client, start in zip(clients, first, strict=True)
        for one in client.seconds[start:]
    ]
    return Run(statistics.quantiles(taken, n=100)[98], spent / len(taken) * 1e6)


async def measure(server: PackedServer, bad: int, seconds: float, rounds: int) -> list[Figure]:
    """The good ones' p99 in both surroundings, in turns; medians."""
    token, process = server.token(), psutil.Process(server.pid)
    await seed_quests(server.url, token, 1, QUESTS)
    clients = [await open_client(server.url, "/v1/live?replies=brief", token) for _ in range(GOOD)]
    for number, client in enumerate(clients):
        client.pipeline(_grants(f"good-{number}"), WINDOW)
    alone: list[Run] = []
    beside: list[Run] = []
    memory: list[float] = []
    await asyncio.sleep(1)
    for _ in range(rounds):
        alone.append(await _run(clients, process, seconds))
        before = process.memory_info().rss
        async with _bad_clients(Bad(server.url, token, bad)):
            beside.append(await _run(clients, process, seconds))
            memory.append((process.memory_info().rss - before) / bad / 1024)
        await asyncio.sleep(SETTLE_SECONDS)
    await asyncio.gather(*(client.end() for client in clients))
    apart, together = _median(alone), _median(beside)
    more = together.p99_ms / apart.p99_ms - 1
    return [
        Figure("Good clients alone: answer, p99", apart.p99_ms, "ms"),
        Figure("… CPU of the gateway for an answer", apart.gateway_us, "us"),
        Figure(f"Beside {bad:,} that do not read and {bad:,} slow: p99", together.p99_ms, "ms"),
        Figure("… CPU of the gateway for an answer, theirs included", together.gateway_us, "us"),
        Figure("… more for the p99", more * 100, "%", "at most 20"),
        Figure("Memory of the gateway for each pair of them", memory[0], "KiB", "at most 256"),
    ]


def _median(runs: list[Run]) -> Run:
    return Run(
        statistics.median(run.p99_ms for run in runs),
        statistics.median(run.gateway_us for run in runs),
    )


def main() -> None:
    """Measure, print the table and write it."""
    end_as_errors_do()
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--bad", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=5.0, help="length of a measured run")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(FILES, hard), hard))
    server = PackedServer(1, "--open-quests-max", "1000000", "--quests-max", "1000000")
    try:
        measuring = measure(server, arguments.bad, arguments.seconds, arguments.rounds)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            shown = runner.run(measuring)
    finally:
        server.close()
    print(tables.write("unread", "Good clients of live connections beside bad ones.", shown))


if __name__ == "__main__":
    main()

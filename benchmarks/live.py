"""Live connections: pipelined commands of services, and what a quiet connection costs.

    python -m benchmarks.live [--connections 16] [--seconds 5] [--rounds 3] [--quiet 2000]

1,000 users; every command turns in a fresh quest, and is answered after its changes were synced.
About 40 commands are under way on each connection, in lists of 1, 16 and 64 (then 64), msgpack,
`replies=brief`; beside them lists over HTTP, in the same run.  Quiet connections are one user's
each, and stay for a round of pings.
"""

import argparse
import asyncio
import resource
import statistics
import time
from collections.abc import Iterator, Sequence
from itertools import chain

import psutil
import uvloop
from msgspec import Struct

from benchmarks.load.batch_clients import Batches, Form
from benchmarks.load.live_clients import LiveClient, open_client
from benchmarks.load.usage import below
from benchmarks.peers.questkeep.seeding import seed_quests
from benchmarks.report import tables
from benchmarks.report.tables import Figure
from benchmarks.setup.packed_server import PackedServer
from benchmarks.setup.processes import end_as_errors_do
from benchmarks.users.dataset import user_id

USERS = 1_000
# Commands of a message, and messages under way on each connection.
SHAPES = ((1, 40), (8, 5), (40, 1))
WARM_UP_SECONDS = 1.0
QUIET_SECONDS = 25.0
OPENED_TOGETHER = 100
FILES = 65_536
RATE_MAX = 50_000


class Pipelined(Struct):
    """One measured run: turn-ins a second, ms of a message, CPU microseconds a turn-in."""

    rate: float
    p99_ms: float
    gateway_us: float
    hosts_us: float
    client_us: float


class Quiet(Struct):
    """What one quiet connection takes of the gateway: KiB, and the share of a core of all."""

    kib: float
    core_percent: float
    seconds_to_open: float


class CpuTimes:
    """CPU seconds since the last look."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._before = self._now()

    def look(self) -> tuple[float, float, float]:
        """Of the server's gateway, of what that started, and of this process."""
        now, before = self._now(), self._before
        self._before = now
        return now[0] - before[0], now[1] - before[1], now[2] - before[2]

    def _now(self) -> tuple[float, float, float]:
        seconds = {pid: spent for pid, spent, _ in below(self._pid)}
        gateway = seconds.pop(self._pid, 0.0)
        return gateway, sum(seconds.values()), time.process_time()


class LiveLoad:
    """Turn-ins over live connections, run after run."""

    def __init__(self, server: PackedServer, connections: int) -> None:
        self._url = server.url
        self._token = server.token()
        self._pid = server.pid
        self._connections = connections
        self._cpu = CpuTimes(server.pid)
        self._next_quest = 0

    async def seed(self, quests: int) -> None:
        """Give every user a plan and quests that are ready."""
        await seed_quests(self._url, self._token, USERS, quests)

    async def pipelined(self, size: int, window: int, seconds: float) -> Pipelined:
        """A warm-up, then a measured run.  Raises `Refused`."""
        messages = _messages(self._url, size, self._next_quest)
        clients = [
            await open_client(self._url, "/v1/live?replies=brief", self._token)
            for _ in range(self._connections)
        ]
        for client in clients:
            client.pipeline(messages, window)
        await asyncio.sleep(WARM_UP_SECONDS)
        self._cpu.look()
        began, before = time.perf_counter(), sum(client.answered for client in clients)
        first = [len(client.seconds) for client in clients]
        await asyncio.sleep(seconds)
        gateway, hosts, own = self._cpu.look()
        count = sum(client.answered for client in clients) - before
        lasted = time.perf_counter() - began
        taken = chain.from_iterable(
            client.seconds[start:] for client, start in zip(clients, first, strict=True)
        )
        percentiles = statistics.quantiles((one * 1e3 for one in taken), n=100)
        await _end(clients)
        self._next_quest += -(-sum(client.answered for client in clients) // USERS) + 2
        return Pipelined(
            rate=count / lasted,
            p99_ms=percentiles[98],
            gateway_us=gateway / count * 1e6,
            hosts_us=hosts / count * 1e6,
            client_us=own / count * 1e6,
        )

    async def quiet(self, count: int) -> Quiet:
        """Open `count` connections, one user's each, and let them be for a round of pings."""
        process = psutil.Process(self._pid)
        before, began = process.memory_info().rss, time.perf_counter()
        clients: list[LiveClient] = []
        for start in range(0, count, OPENED_TOGETHER):
            numbers = range(start, min(count, start + OPENED_TOGETHER))
            paths = [f"/v1/users/{user_id(number % USERS)}/live" for number in numbers]
            clients += await asyncio.gather(
                *(open_client(self._url, path, self._token) for path in paths)
            )
        opened = time.perf_counter() - began
        spent = sum(process.cpu_times()[:2])
        await asyncio.sleep(QUIET_SECONDS)
        spent = sum(process.cpu_times()[:2]) - spent
        taken = process.memory_info().rss - before
        await _end(clients)
        return Quiet(taken / count / 1024, spent / QUIET_SECONDS * 100, opened)


def _messages(url: str, size: int, first: int) -> Iterator[tuple[int, bytes]]:
    """Turn-ins as messages of `size` commands, each user's quests in order."""
    for request in Batches(url, "", Form("msgpack"), USERS, size).turn_ins(first):
        yield size, request.partition(b"\r\n\r\n")[2]


async def _end(clients: Sequence[LiveClient]) -> None:
    await asyncio.gather(*(client.end() for client in clients))


async def measure(
    server: PackedServer, connections: int, seconds: float, rounds: int, quiet: int
) -> list[Figure]:
    """Everything, in turns; medians."""
    load = LiveLoad(server, connections)
    runs: dict[int, list[Pipelined]] = {size: [] for size, _ in SHAPES}
    await load.seed(int(len(SHAPES) * rounds * (seconds + WARM_UP_SECONDS) * RATE_MAX / USERS))
    for _ in range(rounds):
        for size, window in SHAPES:
            runs[size].append(await load.pipelined(size, window, seconds))
    shown: list[Figure] = []
    for size, window in SHAPES:
        shown += _figures(f"lists of {size}, {window} under way", runs[size])
    if quiet:
        found = await load.quiet(quiet)
        shown += [
            Figure(f"{quiet:,} quiet connections: memory of each", found.kib, "KiB", "at most 12"),
            Figure("… CPU of the gateway for all", found.core_percent, "%", "at most 2 for 10,000"),
            Figure("… opened in", found.seconds_to_open, "s"),
        ]
    return shown


def _figures(name: str, runs: Sequence[Pipelined]) -> list[Figure]:
    def middle(member: str) -> float:
        return float(statistics.median(getattr(run, member) for run in runs))

    return [
        Figure(f"{name}: turn-ins", middle("rate"), "/s", "at least 45,000"),
        Figure("… answer of a message, p99", middle("p99_ms"), "ms", "at most 40"),
        Figure("… CPU of a turn-in, gateway", middle("gateway_us"), "us", "at most 12"),
        Figure("… … hosts", middle("hosts_us"), "us"),
        Figure("… … load", middle("client_us"), "us"),
    ]


def main() -> None:
    """Measure, print the table and write it."""
    end_as_errors_do()
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=5.0, help="length of a measured run")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quiet", type=int, default=2_000, help="quiet connections; 0 for none")
    arguments = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(FILES, hard), hard))
    server = PackedServer(1, "--open-quests-max", "1000000", "--quests-max", "1000000")
    try:
        measuring = measure(
            server,
            arguments.connections,
            arguments.seconds,
            arguments.rounds,
            arguments.quiet,
        )
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            shown = runner.run(measuring)
    finally:
        server.close()
    title = f"Commands pipelined on {arguments.connections} live connections, one host."
    print(tables.write("live", title, shown))


if __name__ == "__main__":
    main()

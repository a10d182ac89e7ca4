"""Durable turn-ins in batches of many users: rate, latency, and the CPU that each process takes.

    python -m benchmarks.batches [--size 100] [--connections 16] [--seconds 5] [--rounds 3]
                                 [--hosts 1]

1,000 users; every command turns in a fresh quest; an answer leaves after its changes were synced.
The load is on the same machine, in a process of its own.  Rates and latencies count on an idle
machine only; CPU time of a turn-in says more on a busy one.
"""

import argparse
import asyncio
import statistics
import time
from collections.abc import Iterator, Sequence
from itertools import chain

import psutil
import uvloop
from msgspec import Struct

from benchmarks.load.batch_clients import BatchClients, Batches, Form
from benchmarks.report import tables
from benchmarks.report.tables import Figure
from benchmarks.setup.packed_server import PackedServer
from benchmarks.setup.processes import end_as_errors_do

USERS = 1_000
FORMS = (Form("msgpack", minimal=True), Form("msgpack"), Form("json"))
RATE_MAX = 80_000
"""Turn-ins a second at most: so many quests are there."""
SEED_SIZE = 500
SEED_CONNECTIONS = 4
WARM_UP_SECONDS = 1.0


class Batched(Struct):
    """One measured run: turn-ins a second, milliseconds of a batch, CPU microseconds a turn-in."""

    rate: float
    p50_ms: float
    p99_ms: float
    gateway_us: float
    hosts_us: float
    client_us: float

    @property
    def all_us(self) -> float:
        """Of every process."""
        return self.gateway_us + self.hosts_us + self.client_us


class CpuTimes:
    """CPU seconds since the last look."""

    def __init__(self, pid: int) -> None:
        self._gateway = psutil.Process(pid)
        self._others = self._gateway.children(recursive=True)
        self._before = self._now()

    def look(self) -> tuple[float, float, float]:
        """Of the server's gateway, of what that started, and of this process."""
        now, before = self._now(), self._before
        self._before = now
        return now[0] - before[0], now[1] - before[1], now[2] - before[2]

    def _now(self) -> tuple[float, float, float]:
        others = sum(sum(process.cpu_times()[:2]) for process in self._others)
        return sum(self._gateway.cpu_times()[:2]), others, time.process_time()


class Load:
    """Turn-ins on one server, run after run."""

    def __init__(self, url: str, token: str, pid: int, size: int, connections: int) -> None:
        self._url = url
        self._token = token
        self._cpu = CpuTimes(pid)
        self._size = size
        self._connections = connections
        self._next_quest = 0

    async def seed(self, quests: int) -> None:
        """Give every user a plan and quests that are ready."""
        form = Form("msgpack", minimal=True)
        batches = Batches(self._url, self._token, form, USERS, SEED_SIZE)
        clients = BatchClients(batches.preparation(quests))
        await clients.connect(self._url, SEED_CONNECTIONS)
        await clients.wait()

    async def run(self, form: Form, seconds: float) -> Batched:
        """A warm-up, then a measured run.  Raises `Refused`."""
        batches = Batches(self._url, self._token, form, USERS, self._size)
        turn_ins = _Counted(batches.turn_ins(self._next_quest))
        clients = BatchClients(turn_ins)
        await clients.connect(self._url, self._connections)
        await asyncio.sleep(WARM_UP_SECONDS)
        self._cpu.look()
        began, first = time.perf_counter(), len(clients.answered)
        await asyncio.sleep(seconds)
        gateway, hosts, client = self._cpu.look()
        lasted, answered = time.perf_counter() - began, clients.answered[first:]
        clients.stop()
        await clients.wait()
        self._next_quest += -(-turn_ins.count * self._size // USERS)
        count = len(answered) * self._size
        percentiles = statistics.quantiles((each.seconds * 1e3 for each in answered), n=100)
        return Batched(
            rate=count / lasted,
            p50_ms=percentiles[49],
            p99_ms=percentiles[98],
            gateway_us=gateway / count * 1e6,
            hosts_us=hosts / count * 1e6,
            client_us=client / count * 1e6,
        )


class _Counted(Iterator[bytes]):
    def __init__(self, requests: Iterator[bytes]) -> None:
        self._requests = requests
        self.count = 0

    def __next__(self) -> bytes:
        self.count += 1
        return next(self._requests)


async def measure(load: Load, rounds: int, seconds: float) -> dict[Form, list[Batched]]:
    """Every form in turn, `rounds` times."""
    runs: dict[Form, list[Batched]] = {form: [] for form in FORMS}
    await load.seed(int(len(FORMS) * rounds * (seconds + WARM_UP_SECONDS) * RATE_MAX / USERS))
    for _ in range(rounds):
        for form, measured in runs.items():
            measured.append(await load.run(form, seconds))
    return runs


def figures(form: Form, runs: Sequence[Batched]) -> list[Figure]:
    """The medians of one form's runs."""
    rates = [run.rate for run in runs]

    def middle(name: str) -> float:
        return float(statistics.median(getattr(run, name) for run in runs))

    return [
        Figure(f"{form}: turn-ins", middle("rate"), "/s"),
        Figure("… slowest and fastest run differ by", max(rates) - min(rates), "/s"),
        Figure("… answer of a batch, p50", middle("p50_ms"), "ms"),
        Figure("… answer of a batch, p99", middle("p99_ms"), "ms", "at most 50"),
        Figure("… CPU of a turn-in, all processes", middle("all_us"), "us", "at most 35"),
        Figure("… … gateway", middle("gateway_us"), "us", "at most 7"),
        Figure("… … hosts", middle("hosts_us"), "us"),
        Figure("… … load", middle("client_us"), "us"),
    ]


def main() -> None:
    """Measure, print the table and write it."""
    end_as_errors_do()
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--size", type=int, default=100, help="commands of a batch")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=5.0, help="length of a measured run")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--hosts", type=int, default=1)
    arguments = parser.parse_args()
    size, connections = arguments.size, arguments.connections
    server = PackedServer(arguments.hosts)
    try:
        load = Load(server.url, server.token(), server.pid, size, connections)
        measuring = measure(load, arguments.rounds, arguments.seconds)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runs = runner.run(measuring)
    finally:
        server.close()
    title = f"Batches of {size} turn-ins over {connections} connections, {arguments.hosts} host(s)."
    shown = list(chain.from_iterable(figures(form, measured) for form, measured in runs.items()))
    print(tables.write(f"batches_{size}", title, shown))


if __name__ == "__main__":
    main()

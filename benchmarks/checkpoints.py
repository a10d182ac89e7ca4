"""What users notice of checkpoints: rate and slowest answers with them and without, in one run.

    python -m benchmarks.checkpoints [--users 1000] [--journal-mb 64] [--seconds 5] [--rounds 3]

One process has two hosts with the same aged users on one disk.  The journal of one may grow for
ever, that of the other is kept short, so that checkpoints never end.  Clients ask the one and then
the other, again and again, each with one list of grants on its way.
"""

import argparse
import asyncio
import gc
import json
import statistics
import sys
import tempfile
import time
import uuid
from subprocess import PIPE, Popen

import psutil
import uvloop
from msgspec.structs import replace

from actors.cluster.host_actor import now
from actors.gc_tuning import collect_new_objects_only
from actors.host.host import Host
from actors.host.settings import HostSettings
from actors.messages import Ask, Media
from actors.transport.addresses import LocalAddress
from actors.transport.socket_channel import SocketChannel
from actors.transport.socket_server import SocketServer
from benchmarks.report import tables
from benchmarks.report.tables import Figure
from benchmarks.setup.processes import end_as_errors_do
from benchmarks.users import aged_users
from benchmarks.users.dataset import RULES_FILE
from domain.messages.commands import decode_command
from persistence.disk.snapshots import Snapshots
from persistence.open import open_store

WITHOUT, WITH = "without", "with"
NEVER = 2**50
PATIENCE_SECONDS = 30.0
AGED_AT_ONCE = 50
HISTORIES = 20
"""Users who have played differently."""


class Pauses:
    """How long each garbage collection of this process took."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._began = 0.0
        gc.callbacks.append(self._note)

    def _note(self, phase: str, _: dict[str, int]) -> None:
        if phase == "start":
            self._began = time.perf_counter()
        else:
            self.seconds.append(time.perf_counter() - self._began)


async def serve(folder: str, journal_bytes: int) -> None:
    """The two hosts, until the other end closes standard input; a line of JSON at the end."""
    collect_new_objects_only()
    pauses, written, write = Pauses(), [0], Snapshots.write

    def count(self: Snapshots, user_id: str, version: int, payload: bytes) -> None:
        written[0] += 1
        write(self, user_id, version, payload)

    Snapshots.write = count  # type: ignore[method-assign]
    store = open_store(f"file://{folder}/store")
    servers = []
    for name, limit in ((WITHOUT, NEVER), (WITH, journal_bytes)):
        settings = HostSettings(store.url, RULES_FILE.read_text(encoding="utf-8"))
        settings = replace(settings, checkpoint_bytes=limit, snapshot_every=NEVER)
        host = Host(name, store, settings, now=now, on_fenced=lambda: None)
        await host.open()
        servers.append(await SocketServer.listen(host, f"{folder}/{name}"))
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    found = {"snapshots": written[0], "gc_pause_max": max(pauses.seconds, default=0.0)}
    print(json.dumps(found), flush=True)


class Load:
    """Clients of one host."""

    def __init__(self, folder: str, name: str, users: int, length: int) -> None:
        async def find() -> LocalAddress:
            return LocalAddress(f"{folder}/{name}")

        self._channel = SocketChannel(find)
        self._users = [f"{name}-{number}" for number in range(users)]
        self._length = length
        self._next = 0

    async def age(self) -> None:
        """Let every user become one who has played for a while."""
        rest = iter(enumerate(self._users))

        async def work() -> None:
            for number, user_id in rest:
                commands = aged_users.commands_of(number % HISTORIES)
                asks = [replace(ask, user_id=user_id) for ask in commands]
                replies = await self._channel.ask(asks, PATIENCE_SECONDS)
                assert all(reply.code == "" for reply in replies)

        await asyncio.gather(*(work() for _ in range(AGED_AT_ONCE)))

    def _list(self) -> list[Ask]:
        asks = []
        for _ in range(self._length):
            self._next = (self._next + 1) % len(self._users)
            fields = {
                "command_id": str(uuid.uuid4()),
                "type": "grant_player_progression_experience",
                "amount": 1,
            }
            command = decode_command(fields)
            asks.append(Ask.of(self._users[self._next], command, Media.MSGPACK))
        return asks

    async def window(self, clients: int, seconds: float) -> list[float]:
        """How long each list took that was answered in this time."""
        until, took = time.perf_counter() + seconds, []

        async def client() -> None:
            while (began := time.perf_counter()) < until:
                replies = await self._channel.ask(self._list(), PATIENCE_SECONDS)
                assert all(reply.code == "" for reply in replies), replies
                took.append(time.perf_counter() - began)

        await asyncio.gather(*(client() for _ in range(clients)))
        return took


async def measure(server: "Popen[str]", folder: str, options: argparse.Namespace) -> list[Figure]:
    """Windows of the one host and the other in turn."""
    loads = {name: Load(folder, name, options.users, options.list) for name in (WITHOUT, WITH)}
    for load in loads.values():
        await load.age()
    rates: dict[str, list[float]] = {name: [] for name in loads}
    slowest: dict[str, list[float]] = {name: [] for name in loads}
    spent: dict[str, list[float]] = {name: [] for name in loads}
    process = psutil.Process(server.pid)
    for load in loads.values():  # and the journal grows as long as it will
        await load.window(options.clients, options.seconds)
    for _ in range(options.rounds):
        for name, load in loads.items():
            before = _cpu_seconds(process)
            took = await load.window(options.clients, options.seconds)
            count = len(took) * options.list
            spent[name].append((_cpu_seconds(process) - before) / count * 1e6)
            rates[name].append(count / options.seconds)
            slowest[name].append(statistics.quantiles(took, n=100)[98] * 1e3)
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.close()
    found = json.loads(server.stdout.readline())
    rate, p99, cpu = (
        {name: statistics.median(figures) for name, figures in measured.items()}
        for measured in (rates, slowest, spent)
    )
    return [
        Figure("commands without checkpoints", rate[WITHOUT], "/s"),
        Figure("… with", rate[WITH], "/s", f"{0.9 * rate[WITHOUT]:,.0f}"),
        Figure("… of those without", 100 * rate[WITH] / rate[WITHOUT], "%", "90"),
        Figure("p99 without", p99[WITHOUT], "ms"),
        Figure("… with", p99[WITH], "ms", f"{2 * p99[WITHOUT]:,.1f}"),
        Figure("CPU of the hosts for a command, without", cpu[WITHOUT], "us"),
        Figure("… with", cpu[WITH], "us", f"{cpu[WITHOUT] / 0.9:,.0f}"),
        Figure("snapshots written in all", found["snapshots"], ""),
        Figure("longest garbage collection", found["gc_pause_max"] * 1e3, "ms"),
    ]


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def main() -> None:
    """Measure, print the table and write it."""
    end_as_errors_do()
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--users", type=int, default=1_000, help="of each host")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--list", type=int, default=1, help="commands in one request")
    parser.add_argument("--journal-mb", type=float, default=64.0, help="its length, a server's own")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of each window")
    parser.add_argument("--rounds", type=int, default=3, help="windows of each host")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(options.serve, int(options.journal_mb * 1e6)))
        return
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.checkpoints", "--serve", folder]
        command += ["--journal-mb", str(options.journal_mb)]
        server = Popen(command, stdin=PIPE, stdout=PIPE, text=True)
        try:
            assert server.stdout is not None
            server.stdout.readline()
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                figures = runner.run(measure(server, folder, options))
        finally:
            server.kill()
            server.wait()
    title = (
        f"{options.clients} clients of {options.users:,} aged users, {options.list} commands in a "
        f"list; a journal of {options.journal_mb:g} MB at most."
    )
    print(tables.write("checkpoints", title, figures))


if __name__ == "__main__":
    main()

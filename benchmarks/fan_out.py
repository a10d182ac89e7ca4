"""From durable in a host to a frame in the hands of every listener of another gateway process.

    python -m benchmarks.fan_out [--users 1000] [--listeners 5] [--seconds 5] [--rates 200 1000]

A host with a store on disk, a gateway that asks, and a gateway that listens, each a process of its
own, with the sockets that packed placement has between them.  Each user has so many listeners, who
get the `changes` frame in JSON.  Commands leave evenly, so many a second.  Latencies are of the
last listener, and count on an idle machine only.
"""

import argparse
import asyncio
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from actors.feeds.changes import Change
from actors.gc_tuning import collect_new_objects_only, collect_rarely
from actors.host.host import Host
from actors.host.settings import HostSettings
from actors.messages import Ask, Media
from actors.transport.addresses import LocalAddress
from actors.transport.socket_channel import SocketChannel
from actors.transport.socket_server import SocketServer
from benchmarks.report import tables
from benchmarks.report.tables import Figure
from domain.messages.commands import decode_command
from domain.rules.load import preset_text
from gateway.api.changes.frames import DEFAULT_ROWS, changes_frame
from persistence.codec.records import decode_record
from persistence.open import open_store

Stamps = dict[str, int]
"""By user and version, when something happened to it, in nanoseconds of the machine's clock."""


async def host(folder: str) -> Stamps:
    """Be the host until told to end; when each turn was durable."""
    store = open_store(Path(folder, "store").as_uri())
    settings = HostSettings("", preset_text())
    served = Host("bench", store, settings, now=lambda: 1, on_fenced=sys.exit)
    durable: list[tuple[int, bytes]] = []
    publish = served.watches.publish

    def stamp(turns: Iterable[tuple[str, bytes]]) -> None:
        turns = list(turns)
        now = time.monotonic_ns()
        durable.extend((now, record) for _, record in turns)
        publish(turns)

    served.watches.publish = stamp  # type: ignore[method-assign]
    await served.open()
    server = await SocketServer.listen(served, f"{folder}/socket")
    collect_new_objects_only()
    await _told_to_end()
    server.close()
    records = ((now, decode_record(record, "")) for now, record in durable)
    return {f"{record.user_id}.{record.version}": now for now, record in records}


class _Listener:
    """Takes the frame, and notes when."""

    def __init__(self, heard: Stamps) -> None:
        self._heard = heard

    def changed(self, change: Change) -> None:
        changes_frame(change, DEFAULT_ROWS, Media.JSON)
        self._heard[f"{change.user_id}.{change.version}"] = time.monotonic_ns()

    def lost(self) -> None:
        sys.exit("a listener was told that changes may be missing")


async def gateway(folder: str, users: str, listeners: str) -> Stamps:
    """Listen until told to end; when the last listener had each change."""
    heard: Stamps = {}
    channel = _channel(folder)
    for user in range(int(users)):
        for _ in range(int(listeners)):
            channel.watched.feeds.watch(f"u{user}", _Listener(heard))
    collect_rarely()
    await _told_to_end()
    return heard


def _channel(folder: str) -> SocketChannel:
    async def find() -> LocalAddress:
        return LocalAddress(f"{folder}/socket")

    return SocketChannel(find)


async def _told_to_end() -> None:
    print(flush=True)  # ready
    await asyncio.to_thread(sys.stdin.buffer.read)


async def ask(folder: str, users: int, rate: int, seconds: float, first: int) -> float:
    """Send grants evenly; how many were answered a second."""
    channel = _channel(folder)
    grant = {"type": "grant_player_progression_experience", "amount": 1}
    count = int(rate * seconds)
    began, sent = time.perf_counter(), 0
    asked: list[asyncio.Task[Any]] = []
    while sent < count:
        due = min(count, int((time.perf_counter() - began) * rate) + 1)
        for number in range(sent, due):
            command = decode_command({"command_id": f"{first + number}", **grant})
            group = [Ask.of(f"u{number % users}", command, Media.JSON)]
            asked.append(asyncio.create_task(channel.ask(group, 30)))
        sent = due
        await asyncio.sleep(0.0005)
    for [reply] in await asyncio.gather(*asked):
        assert not reply.code, reply.detail
    spent = time.perf_counter() - began
    channel.close()
    return count / spent


def measure(users: int, listeners: int, rate: int, seconds: float) -> tuple[float, list[float]]:
    """Commands a second that were answered, and the milliseconds of every change but the first."""
    with contextlib.ExitStack() as held:
        folder = held.enter_context(tempfile.TemporaryDirectory())
        children = [_child(held, "host", folder)]
        children.append(_child(held, "gateway", folder, str(users), str(listeners)))
        uvloop.run(ask(folder, users, rate, 1.0, 0))  # everybody is loaded, everything is warm
        warm = time.monotonic_ns()
        answered = uvloop.run(ask(folder, users, rate, seconds, rate))
        decode = msgspec.msgpack.Decoder(Stamps).decode
        durable, heard = (decode(child.communicate()[0]) for child in children)
    late = {each: now for each, now in durable.items() if now > warm}
    assert late.keys() <= heard.keys(), "a change was heard by nobody"
    return answered, sorted((heard[each] - now) / 1e6 for each, now in late.items())


def _child(held: contextlib.ExitStack, *arguments: str) -> "subprocess.Popen[bytes]":
    child = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.fan_out", "--be", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    held.callback(child.kill)
    assert child.stdout is not None
    child.stdout.readline()
    return child


ROLES: dict[str, Callable[..., Coroutine[Any, Any, Stamps]]] = {"host": host, "gateway": gateway}


def main() -> None:
    """Measure at each rate, print the table and write it."""
    if sys.argv[1:2] == ["--be"]:
        role, *arguments = sys.argv[2:]
        stamps: Stamps = uvloop.run(ROLES[role](*arguments))
        sys.stdout.buffer.write(msgspec.msgpack.encode(stamps))
        return
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--users", type=int, default=1_000)
    parser.add_argument("--listeners", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rates", type=int, nargs="+", default=[200, 1_000, 3_000])
    given = parser.parse_args()
    figures = []
    for rate in given.rates:
        answered, spent = measure(given.users, given.listeners, rate, given.seconds)
        figures += [
            Figure(f"{rate:,} commands a second: answered", answered, "/s"),
            Figure("… durable → in every listener's hands, p50", spent[len(spent) // 2], "ms", "1"),
            Figure("… p99", spent[len(spent) * 99 // 100], "ms", "5"),
            Figure("… the slowest", spent[-1], "ms"),
        ]
    title = f"{given.users:,} users with {given.listeners} listeners each in another gateway."
    print(tables.write("fan_out", title, figures))


if __name__ == "__main__":
    main()

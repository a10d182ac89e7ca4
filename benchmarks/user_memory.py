"""What a user in memory costs: memory awake and asleep, cold activations, and 100,000 of them.

    python -m benchmarks.user_memory [--users 1000] [--activations 100000]

One host on a disk store, as packed placement runs it, in this process.  Its users have lived
(`lives`): every one of them has a full receipt window.  The memory is that of the whole process
(RSS) before and after, divided by users, so it has all that allocators waste.

The 100,000 are copies of `--users` snapshots under other names, made while they are read: each is
decoded, held and compressed by itself.
"""

import argparse
import asyncio
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from math import inf
from pathlib import Path

from actors.cluster.host_actor import now
from actors.gc_tuning import collect_new_objects_only
from actors.host.activation import Activation
from actors.host.eviction import hibernate_quiet, passivate_idle, resident_bytes
from actors.host.host import Host
from actors.host.settings import HostSettings
from actors.messages import Media, Read, Reply, View
from benchmarks.report import tables
from benchmarks.report.tables import Figure
from benchmarks.setup.processes import BENCH, end_as_errors_do
from benchmarks.users.aged_users import COMMANDS, commands_of, grant, user_id
from benchmarks.users.dataset import RULES_FILE
from benchmarks.users.deep_size import deep_size
from gateway.server.output.logs import log_to_stderr
from persistence.disk.store import DiskStore
from persistence.store import Stored

TOGETHER = 16
"""Users who are asked side by side."""
WAKE_ROUNDS = 2_000
KB = 1000


class Copies(DiskStore):
    """A disk store in which a user beyond `originals` has another's snapshot under their name."""

    originals = 0

    async def read_snapshot(self, user: str) -> Stored | None:
        number = user.rpartition("-")[2]
        if not number.isdigit() or not 0 < self.originals <= int(number):
            return await super().read_snapshot(user)
        original = user_id(int(number) % self.originals)
        stored = await super().read_snapshot(original)
        assert stored is not None
        return Stored(stored.version, stored.payload.replace(original.encode(), user.encode()))


async def measure(users: int, activations: int, folder: Path) -> list[Figure]:
    """Everything, on an empty folder."""
    store = Copies(folder)
    settings = HostSettings(folder.as_uri(), RULES_FILE.read_text(encoding="utf-8"))
    host = Host("users:0", store, settings, now=now, on_fenced=lambda: None)
    await host.open()
    collect_new_objects_only()
    figures = await _awake_and_asleep(host, users)
    figures += await _cold(host, users)
    store.originals = users
    figures += await _many(host, users, activations)
    await host.drain()
    await store.close()
    return figures


async def _awake_and_asleep(host: Host, users: int) -> list[Figure]:
    await _live(host, range(users, users + TOGETHER))  # warms everything up
    before = resident_bytes()
    await _live(host, range(users))
    awake = (resident_bytes() - before) / users / KB
    parts = _parts(host, host.activations.awake[user_id(users // 2)])
    began = time.process_time()
    await hibernate_quiet(host.activations, quiet_seconds=0)
    spent = (time.process_time() - began) / users * 1e6
    hibernated = host.activations.hibernated
    kept = statistics.mean(len(user.body) + len(user.fingerprints) for user in hibernated) / KB
    return [
        Figure("memory of a user awake", awake, "kB"),
        *(Figure(f"… {name}, objects alone", size, "kB") for name, size in parts),
        Figure("bytes of a user asleep", kept, "kB"),
        Figure("falling asleep, CPU", spent, "us"),
    ]


def _parts(host: Host, activation: Activation) -> list[tuple[str, float]]:
    actor = activation.actor
    assert actor is not None
    parts = {
        "rows": deep_size(actor.durable),
        "receipts": deep_size(actor.receipts),
        "mailbox": deep_size(activation.mailbox),
        "all of it": deep_size(activation, but_not=(host.rules,)),
    }
    return [(name, size / KB) for name, size in parts.items()]


async def _cold(host: Host, users: int) -> list[Figure]:
    """First messages to users whose snapshot is on the disk, `TOGETHER` at a time."""
    await passivate_idle(host.activations, idle_seconds=0)
    assert host.activations.users == 0
    began = time.perf_counter()
    await _look(host, range(users))
    wall = time.perf_counter() - began
    await passivate_idle(host.activations, idle_seconds=0)
    return [Figure("cold activations", users / wall, "/s")]


async def _many(host: Host, users: int, activations: int) -> list[Figure]:
    """Fill the host, then ask hibernated users at random while it does its upkeep."""
    before = resident_bytes()
    began = time.perf_counter()
    peak = before
    for start in range(users, users + activations, 500):
        await _look(host, range(start, min(start + 500, users + activations)))
        peak = max(peak, resident_bytes())
        await hibernate_quiet(host.activations, quiet_seconds=0)
    wall = time.perf_counter() - began
    each = (resident_bytes() - before) / activations / KB
    assert (len(host.activations.hibernated), host.activations.users) == (activations, activations)
    dice = random.Random(7)
    waits = []
    for number in range(WAKE_ROUNDS):
        someone = users + dice.randrange(activations)
        asked = time.perf_counter()
        (reply,) = await host.ask([grant(someone, f"more-{number}", 1)])
        waits.append((time.perf_counter() - asked) * 1e3)
        assert reply.code == "", reply
        if number % 100 == 99:
            await hibernate_quiet(host.activations, quiet_seconds=0)
    assert host.activations.users == activations
    waits.sort()
    return [
        Figure(f"memory of a user asleep, {activations:,} in memory", each, "kB", "16 (8)"),
        Figure("their process at its largest", peak / 1e9, "GB"),
        Figure("time until all were in memory", wall, "s"),
        Figure("a command to one of them, durable, p50", waits[len(waits) // 2], "ms"),
        Figure("… p99", waits[len(waits) * 99 // 100], "ms"),
    ]


async def _live(host: Host, numbers: range) -> None:
    for some in _batches(numbers):
        replies = await asyncio.gather(*(host.ask(commands_of(number)) for number in some))
        _check([reply for each in replies for reply in each])
        await hibernate_quiet(host.activations, quiet_seconds=inf, pack_seconds=0)


async def _look(host: Host, numbers: range) -> None:
    for some in _batches(numbers):
        reads = [Read(user_id(number), View.PROGRESSION, "", Media.JSON) for number in some]
        _check(await host.ask(reads))


def _batches(numbers: range) -> Iterator[range]:
    return (numbers[start : start + TOGETHER] for start in range(0, len(numbers), TOGETHER))


def _check(replies: Sequence[Reply]) -> None:
    refused = [reply for reply in replies if reply.code]
    assert not refused, refused[0]


def main() -> None:
    """Measure, print the table and write it."""
    end_as_errors_do()
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--users", type=int, default=1_000, help="who live through commands")
    parser.add_argument("--activations", type=int, default=100_000, help="in memory at once")
    arguments = parser.parse_args()
    log_to_stderr("warning", "console")
    BENCH.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="user-memory-", dir=BENCH))
    try:
        figures = asyncio.run(measure(arguments.users, arguments.activations, folder))
    finally:
        shutil.rmtree(folder)
    title = f"A user in memory: 5 chapters, 20 quests, {COMMANDS} receipts; 1 kB is 1,000 bytes."
    print(tables.write("user_memory", title, figures))


if __name__ == "__main__":
    main()

"""Why the journal is shaped as it is: the same durable records through four shapes of storage.

    python -m benchmarks.journal_shapes [--rounds 3] [--seconds 2]

Writers in this process each store a record of 1.1 kB (a turn-in's) and wait until it is durable:

- journal: one stream, group commit, append + fdatasync (`persistence.journal.group_commit`);
- SQLite: one transaction for whatever gathered meanwhile, WAL, synchronous=FULL;
- object a user: the user's whole state, 4 kB, replaced each time (`Store.write_snapshot`);
- SlateDB over `file:///` (only if the package `slatedb` is installed), which cannot sync: its
  figure is that of its default 100 ms flush, without the durability.
"""

import argparse
import asyncio
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from persistence.disk.store import DiskStore
from persistence.journal.group_commit import GroupCommit

RECORD = bytes(1_100)
STATE = bytes(4_000)
WRITERS = (1, 64, 1_000)

Write = Callable[[int, int], Awaitable[object]]
"""Stores the n-th record of a writer; durable when it returns."""


async def journal(folder: Path) -> Write:
    """Our journal."""
    commits = GroupCommit(await DiskStore(folder).claim("bench"))

    async def write(writer: int, number: int) -> None:
        await commits.commit(RECORD)

    return write


async def object_a_user(folder: Path) -> Write:
    """A snapshot for every change."""
    store = DiskStore(folder)

    async def write(writer: int, number: int) -> None:
        await store.write_snapshot(f"u{writer}", number, STATE)

    return write


async def sqlite(folder: Path) -> Write:
    """One table, gathered into transactions the same way the journal gathers records."""
    database = sqlite3.connect(folder / "bench.sqlite", check_same_thread=False)
    database.execute("pragma journal_mode=wal")
    database.execute("pragma synchronous=full")
    database.execute(
        "create table turns (user text, version int, record blob, primary key(user, version))"
    )
    gathered: list[tuple[str, int, bytes]] = []
    waiting: list[asyncio.Future[None]] = []
    busy = False

    def transaction(rows: list[tuple[str, int, bytes]]) -> None:
        with database:
            database.executemany("insert into turns values (?, ?, ?)", rows)

    async def run() -> None:
        nonlocal busy
        while gathered:
            rows, those = gathered.copy(), waiting.copy()
            gathered.clear()
            waiting.clear()
            await asyncio.to_thread(transaction, rows)
            for one in those:
                one.set_result(None)
        busy = False

    async def write(writer: int, number: int) -> None:
        nonlocal busy
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        gathered.append((f"u{writer}", number, RECORD))
        waiting.append(done)
        if not busy:
            busy = True
            tasks.add(asyncio.create_task(run()))
        await done

    tasks: set[asyncio.Task[None]] = set()
    return write


async def slatedb(folder: Path) -> Write:
    """SlateDB as its own README opens it."""
    from slatedb.uniffi import DbBuilder, ObjectStore

    disk = ObjectStore.resolve("file:///")
    database: Any = await DbBuilder(str(folder).lstrip("/"), disk).build()

    async def write(writer: int, number: int) -> None:
        await database.put(f"u{writer}/{number:012}".encode(), RECORD)

    return write


SHAPES = {
    "journal": journal,
    "SQLite": sqlite,
    "object a user": object_a_user,
    "SlateDB, unsynced": slatedb,
}


async def measure(shape: str, writers: int, seconds: float) -> tuple[float, float]:
    """Records a second, and the median wait in milliseconds."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        write = await SHAPES[shape](Path(name))
        waits: list[float] = []
        end = time.perf_counter() + seconds

        async def work(writer: int) -> None:
            number = 0
            while (began := time.perf_counter()) < end:
                number += 1
                await write(writer, number)
                waits.append(time.perf_counter() - began)

        began = time.perf_counter()
        await asyncio.gather(*(work(writer) for writer in range(writers)))
        return len(waits) / (time.perf_counter() - began), statistics.median(waits) * 1e3


def main() -> None:
    """Every shape in turn, medians over rounds."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0)
    arguments = parser.parse_args()
    figures: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for _ in range(arguments.rounds):
        for shape in SHAPES:
            for writers in WRITERS:
                try:
                    found = asyncio.run(measure(shape, writers, arguments.seconds))
                except ImportError:
                    break
                figures.setdefault((shape, writers), []).append(found)
    print("| shape | writers | records/s | p50 ms |\n|---|---:|---:|---:|")
    for (shape, writers), runs in figures.items():
        rate, wait = (statistics.median(column) for column in zip(*runs, strict=True))
        print(f"| {shape} | {writers} | {rate:,.0f} | {wait:.2f} |")


if __name__ == "__main__":
    main()

"""Many claimants for one user's journal, in several processes at once (R4).

Each claimant claims, fences and reads what stands, folds it, appends some versions, and at times
checkpoints or dies, as `tests.persistence.objects.ledger_kit` has it.  No version may be
acknowledged to two of them, and what was acknowledged is what stands at the end.

Not for: real hosts (`failover`).
"""

import asyncio
import multiprocessing
import random
import shutil
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from persistence.disk.store import DiskStore
from persistence.errors import Corrupt, StorageError
from persistence.memory import MemoryStore, World
from persistence.store import Store, Stream, StreamId
from tests.persistence.objects.ledger_kit import Ledger, one_life, recover
from tests.torture.outcome import Outcome, Progress

CLAIMS_PER_STORE = 200
CLAIMANTS = (1, 2, 3, 5, 10)
"""Claimants of one process that race each other, besides those of the other processes.

The more there are, the fewer get as far as an append.
"""
_PAUSE_SECONDS_MAX = 0.01


def claim_races(
    seed: int, claims: int, processes: int = 2, progress: Progress = lambda done, wanted: None
) -> list[Outcome]:
    """Races on disk, across processes, and in memory, across tasks."""
    return [
        _races("claim races on disk", seed, claims, processes, progress),
        asyncio.run(_memory_races(seed, claims)),
    ]


def _races(name: str, seed: int, claims: int, processes: int, progress: Progress) -> Outcome:
    began, done, failures = time.monotonic(), 0, list[str]()
    acknowledged = 0
    context = multiprocessing.get_context("forkserver")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        while done < claims and not failures:
            folder = Path(tempfile.mkdtemp(prefix="questkeep-claims-"))
            share = CLAIMS_PER_STORE // processes
            first = seed * 1_000_000 + done // CLAIMS_PER_STORE * processes
            work = partial(_claimants, str(folder), share)
            told = _merged(list(pool.map(work, range(first, first + processes))))
            failures += asyncio.run(_audit(told, DiskStore(folder)))
            acknowledged += len(told.acknowledged)
            done += CLAIMS_PER_STORE
            progress(done, claims)
            shutil.rmtree(folder)
    return _outcome(name, done, claims, began, failures, acknowledged)


async def _memory_races(seed: int, claims: int) -> Outcome:
    began, done, failures, acknowledged = time.monotonic(), 0, list[str](), 0
    while done < claims and not failures:
        number = seed * 1_000_000 + done // CLAIMS_PER_STORE
        open_one = partial(_Slow, World(), random.Random(number))
        ledger = Ledger()
        await _race(open_one, ledger, number, CLAIMS_PER_STORE)
        failures += await _audit(ledger, open_one())
        acknowledged += len(ledger.acknowledged)
        done += CLAIMS_PER_STORE
    return _outcome("claim races in memory", done, claims, began, failures, acknowledged)


def _claimants(folder: str, claims: int, seed: int) -> dict[int, list[str]]:
    """One process's share of a race: who was told that they wrote which version."""
    ledger = Ledger()
    asyncio.run(_race(lambda: DiskStore(Path(folder)), ledger, seed, claims))
    return dict(ledger.acknowledged)


async def _race(open_one: Callable[[], Store], ledger: Ledger, seed: int, claims: int) -> None:
    left = claims

    async def claimant(number: int) -> None:
        nonlocal left
        store, dice = open_one(), random.Random(seed * 1_000 + number)
        while left > 0:
            left -= 1
            await one_life(store, ledger, dice)  # type: ignore[arg-type]
            # As long as a host takes to come back: whoever won has time to write.
            await asyncio.sleep(dice.uniform(0, _PAUSE_SECONDS_MAX))
        await store.close()

    claimants = CLAIMANTS[seed % len(CLAIMANTS)]
    await asyncio.gather(*(claimant(number) for number in range(claimants)))


class _Slow(MemoryStore):
    """Memory that lets others have their turns in the middle, as every other store does."""

    def __init__(self, world: World, dice: random.Random) -> None:
        super().__init__(world)
        self._dice = dice

    async def _turns(self) -> None:
        for _ in range(self._dice.randint(0, 3)):
            await asyncio.sleep(0)

    async def claim(self, host: str) -> Stream:
        await self._turns()
        return await super().claim(host)

    async def streams(self, host: str | None = None) -> list[StreamId]:
        await self._turns()
        return await super().streams(host)

    async def fence(self, stream: StreamId) -> None:
        await self._turns()
        await super().fence(stream)

    async def write_snapshot(self, user_id: str, version: int, payload: bytes) -> None:
        await self._turns()
        await super().write_snapshot(user_id, version, payload)


def _merged(ledgers: list[dict[int, list[str]]]) -> Ledger:
    told = Ledger()
    for one in ledgers:
        for version, writers in one.items():
            told.acknowledged[version].extend(writers)
    return told


async def _audit(told: Ledger, store: Store) -> list[str]:
    try:
        await recover(store, told)
        told.audit()
    except (AssertionError, StorageError, Corrupt) as error:
        return [str(error)]
    finally:
        await store.close()
    return []


def _outcome(
    name: str, done: int, claims: int, began: float, failures: list[str], acknowledged: int
) -> Outcome:
    figures = {"acknowledged_versions": acknowledged, "two_writers": len(failures)}
    seconds = round(time.monotonic() - began, 1)
    return Outcome(name, done, claims, len(failures), 0, seconds, figures, failures)

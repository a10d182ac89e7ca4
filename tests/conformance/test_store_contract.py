"""Every store keeps the whole contract.

A new implementation adds one line to `STORES`.
"""

import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from persistence.disk.store import DiskStore
from persistence.memory import MemoryStore, World
from persistence.store import Store
from tests.conformance import store_journals_kit  # noqa: F401 - adds its checks to the list
from tests.conformance.store_kit import CHECKS, Check, Open
from tests.faulty_object_store_kit import FaultyBucket, Objects, at_a_rate, open_store


def _memory(folder: Path) -> Open:
    world = World()
    return lambda: MemoryStore(world)


def _disk(folder: Path) -> Open:
    return lambda: DiskStore(folder / "store")


def _disk_with_small_segments(folder: Path) -> Open:
    return lambda: DiskStore(folder / "store", segment_bytes=2_000)


def _objects(folder: Path) -> Open:
    objects = Objects()
    return lambda: open_store(FaultyBucket(objects, turns=3, page=2))


def _objects_behind_a_bad_network(folder: Path) -> Open:
    """Every seventh call or so fails, in every way; the store makes up for it."""
    objects, dice = Objects(), random.Random(5)
    return lambda: open_store(FaultyBucket(objects, at_a_rate(0.15, dice), dice, turns=3))


STORES: dict[str, Callable[[Path], Open]] = {
    "memory": _memory,
    "disk": _disk,
    "disk with small segments": _disk_with_small_segments,
    "objects": _objects,
    "objects behind a bad network": _objects_behind_a_bad_network,
}


@pytest.fixture(params=list(STORES))
async def open_again(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Open]:
    opened: list[Store] = []
    make = STORES[request.param](tmp_path)

    def open_again() -> Store:
        opened.append(make())
        return opened[-1]

    yield open_again
    for store in opened:
        await store.close()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_a_store_keeps_its_contract(check: Check, open_again: Open) -> None:
    await check(open_again)

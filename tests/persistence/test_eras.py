"""Eras: a store has one, and whoever begins another line of versions gets another."""

import asyncio
from pathlib import Path

import pytest

from persistence.eras import new_era, read_store_era, renew_store_era, store_era
from persistence.maintenance.user_views import user_ids
from persistence.memory import MemoryStore, World
from persistence.open import open_store
from persistence.store import Store


@pytest.fixture(params=["memory", "disk"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return MemoryStore(World()) if request.param == "memory" else open_store(tmp_path.as_uri())


async def test_a_store_that_was_never_written_has_none_and_asking_makes_none(store: Store) -> None:
    assert await read_store_era(store) == ""
    assert await store.format() is None


async def test_every_opening_hears_the_same_era(store: Store) -> None:
    first = await store_era(store)
    assert first
    assert await store_era(store) == await read_store_era(store) == first


async def test_whoever_gives_it_an_era_at_the_same_time_hears_the_same(store: Store) -> None:
    eras = await asyncio.gather(*(store_era(store) for _ in range(8)))
    assert len(set(eras)) == 1


async def test_a_renewed_store_has_another(store: Store) -> None:
    before = await store_era(store)
    await renew_store_era(store)
    after = await read_store_era(store)
    assert after not in ("", before)
    await renew_store_era(store)
    assert await store_era(store) not in (before, after)


async def test_an_era_is_no_user(store: Store) -> None:
    await store_era(store)
    assert [user async for user in user_ids(store, ())] == []


def test_no_two_eras_are_the_same() -> None:
    assert len({new_era() for _ in range(1000)}) == 1000
    assert new_era().isalnum()

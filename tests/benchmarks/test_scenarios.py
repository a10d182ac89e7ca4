"""Every benchmark of the limits runs, with tiny numbers: each line of its table has a figure."""

import asyncio
import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import flatness, hot_user, overload
from benchmarks.flatness import Case
from benchmarks.report.tables import Figure
from benchmarks.setup.packed_server import PackedServer
from benchmarks.users.dataset import make_dataset
from benchmarks.users.stocked_store import stock
from persistence.open import open_store


def complete(figures: list[Figure]) -> bool:
    return bool(figures) and not any(math.isnan(figure.value) for figure in figures)


async def test_a_stocked_store_has_every_users_past(tmp_path: Path) -> None:
    await asyncio.to_thread(stock, tmp_path, make_dataset(3, 5), 7)
    store = open_store(tmp_path.as_uri())
    users = [user async for user in store.users()]
    assert sorted(users) == ["user-0000", "user-0001", "user-0002"]
    versions = {(await store.read_snapshot(user)).version for user in users}  # type: ignore[union-attr]
    assert versions == {1 + 2 * 7 + 4 + 5}
    await store.close()


@pytest.fixture(scope="module")
def server() -> Iterator[PackedServer]:
    server = PackedServer()
    yield server
    server.close()


@pytest.mark.ray
@pytest.mark.timeout(300)
class TestLimits:
    async def test_overload(self, server: PackedServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(overload, "TRIED", (2, 4))
        monkeypatch.setattr(overload, "TRIAL_SECONDS", 0.4)
        monkeypatch.setattr(overload, "AFTER_SECONDS", 1.0)
        figures = await overload.measure(server, 0.6, patient=True)
        assert complete(figures)

    async def test_hot_user(self, server: PackedServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(hot_user, "CLIENTS", 4)
        monkeypatch.setattr(hot_user, "HOT_CLIENTS", (4,))
        monkeypatch.setattr(hot_user, "WARM_UP_SECONDS", 0.2)
        assert complete(await hot_user.measure(server, 0.5))


@pytest.mark.ray
@pytest.mark.timeout(300)
def test_flatness(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flatness, "WARM_UP_SECONDS", 0.1)
    monkeypatch.setattr(flatness, "RATE_MAX", 40_000)
    cases = [Case(100, 3), Case(100, 30)]
    assert complete(flatness.figures(cases, lambda case: flatness.measure(case, 0.4)))

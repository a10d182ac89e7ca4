"""Every benchmark of the limits runs, with tiny numbers: each line of its table has a figure."""

import asyncio
import json
import math
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from benchmarks import batches, flatness, hot_user, overload, scaling, unread
from benchmarks.comparison import harness
from benchmarks.flatness import Case
from benchmarks.load.traffic import Traffic
from benchmarks.peers.contract import Setting
from benchmarks.report import goal_rows
from benchmarks.report.goal_rows import Figures
from benchmarks.report.tables import Figure
from benchmarks.setup.packed_server import PackedServer
from benchmarks.setup.processes import ROOT
from benchmarks.users.dataset import make_dataset
from benchmarks.users.stocked_store import stock
from persistence.open import open_store
from tests.benchmarks.peer_kit import FakePeer

IN_A_FOLDER = """
import sys
from pathlib import Path
from benchmarks import {name}
from benchmarks.report import tables
tables.RESULTS = Path(sys.argv.pop(1))
{name}.main()
"""


def complete(figures: list[Figure]) -> bool:
    return bool(figures) and not any(math.isnan(figure.value) for figure in figures)


def lines_are_complete(name: str, rows: Iterable[Mapping[str, Any]]) -> bool:
    """Whether the table of goals finds what it takes from a benchmark."""
    figures = Figures(scenarios={name: goal_rows.by_name(rows)})
    lines = {"overload": goal_rows.overload_rows, "checkpoints": goal_rows.checkpoint_rows}
    return name not in lines or not any(math.isnan(row.value) for row in lines[name](figures))


async def test_a_stocked_store_has_every_users_past(tmp_path: Path) -> None:
    await asyncio.to_thread(stock, tmp_path, make_dataset(3, 5), 7)
    store = open_store(tmp_path.as_uri())
    users = [user async for user in store.users()]
    assert sorted(users) == ["user-0000", "user-0001", "user-0002"]
    versions = {(await store.read_snapshot(user)).version for user in users}  # type: ignore[union-attr]
    assert versions == {1 + 2 * 7 + 4 + 5}
    await store.close()


def test_batches() -> None:
    traffic, peer = Traffic(2, batch=10), FakePeer()
    [runs] = harness.measure(peer, peer.settings[0], [traffic], 2, 0.1, 0.2)
    assert complete(batches.figures(traffic, runs))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
def test_scaling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaling, "CONNECTIONS", (2,))
    peer = FakePeer()
    peer.settings = [Setting("one"), Setting("two")]
    assert complete(scaling.figures(peer, rounds=1, seconds=1))


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("user_memory", ["--users", "20", "--activations", "40"]),
        ("checkpoints", ["--users", "20", "--clients", "4", "--seconds", "0.3", "--rounds", "1"]),
    ],
)
def test_a_benchmark_that_needs_no_server(name: str, arguments: list[str], tmp_path: Path) -> None:
    script = IN_A_FOLDER.format(name=name)
    argv = [sys.executable, "-c", script, str(tmp_path), *arguments]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    figures = json.loads((tmp_path / f"{name}.json").read_text())["figures"]
    assert figures
    assert not [row for row in figures if math.isnan(row["value"])]
    assert lines_are_complete(name, figures)


@pytest.fixture(scope="module")
def server() -> Iterator[PackedServer]:
    server = PackedServer()
    yield server
    server.close()


@pytest.mark.campaign
@pytest.mark.ray
@pytest.mark.timeout(300)
class TestLimits:
    async def test_overload(self, server: PackedServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(overload, "TRIED", (2, 4))
        monkeypatch.setattr(overload, "TRIAL_SECONDS", 0.4)
        monkeypatch.setattr(overload, "AFTER_SECONDS", 1.0)
        figures = await overload.measure(server, 0.6, patient=True)
        assert complete(figures)
        assert lines_are_complete("overload", [figure._asdict() for figure in figures])

    async def test_hot_user(self, server: PackedServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(hot_user, "CLIENTS", 4)
        monkeypatch.setattr(hot_user, "HOT_CLIENTS", (4,))
        monkeypatch.setattr(hot_user, "WARM_UP_SECONDS", 0.2)
        assert complete(await hot_user.measure(server, 0.5))

    async def test_unread(self, server: PackedServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(unread, "SETTLE_SECONDS", 0.5)
        monkeypatch.setattr(unread, "QUESTS", 20)
        assert complete(await unread.measure(server, 10, 0.5, 1))


@pytest.mark.campaign
@pytest.mark.ray
@pytest.mark.timeout(300)
def test_flatness(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flatness, "WARM_UP_SECONDS", 0.1)
    monkeypatch.setattr(flatness, "RATE_MAX", 40_000)
    cases = [Case(100, 3), Case(100, 30)]
    assert complete(flatness.figures(cases, lambda case: flatness.measure(case, 0.4)))

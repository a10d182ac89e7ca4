"""Whoever was away while an operator changed a store begins anew, and is told why (P10)."""

from pathlib import Path

import pytest

from tests.actors.cluster.barriers_kit import (
    BARRIERS,
    Barrier,
    Servers,
    a_watcher_begins_anew_behind_a_barrier,
)


@pytest.mark.parametrize("barrier", BARRIERS, ids=lambda barrier: barrier.__name__)
@pytest.mark.parametrize("later", [(), ("l1", "l2", "l3", "l4", "l5")])
async def test_a_watcher_begins_anew_behind_a_barrier(
    barrier: Barrier, later: tuple[str, ...], tmp_path: Path
) -> None:
    await a_watcher_begins_anew_behind_a_barrier(barrier, later, tmp_path)


async def test_a_restart_is_no_barrier(tmp_path: Path) -> None:
    servers = Servers(tmp_path)
    await servers.serve("c1")
    await servers.serve("c2", "c3", watched=False)
    await servers.serve("c4")
    assert servers.whys == ["first"]


@pytest.mark.parametrize(("missed", "whys"), [(4, ["first"]), (5, ["first", "too_old"])])
async def test_what_receipts_hold_is_always_resumed_and_no_more(
    missed: int, whys: list[str], tmp_path: Path
) -> None:
    servers = Servers(tmp_path, receipt_window=4)
    await servers.serve("c1")
    await servers.serve(*(f"m{number}" for number in range(missed)), watched=False)
    await servers.serve()
    assert servers.whys == whys

"""Whoever was away while an operator changed a store begins anew, and is told why (P10)."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from actors.cluster.local import LocalCluster
from actors.host.settings import HostSettings
from persistence.disk.store import DiskStore
from persistence.maintenance.backup import back_up, restore
from persistence.maintenance.deletion import delete
from persistence.maintenance.export_import import export, import_lines
from tests.actors.host_kit import RULES_TEXT, body, grant
from tests.mirror_kit import Watcher, rows_read
from tests.persistence.maintenance.tool_kit import OWNER

USER = "alice"


class Servers:
    """One server after the other on a store, and the same watcher at each."""

    def __init__(self, folder: Path, receipt_window: int = 128) -> None:
        self.folder = folder
        self.settings = HostSettings("file://", RULES_TEXT, receipt_window=receipt_window)
        self.watcher = Watcher(LocalCluster(self.settings, self.store()), USER)

    def store(self, name: str = "store") -> DiskStore:
        return DiskStore(self.folder / name)

    async def serve(self, *command_ids: str, watched: bool = True) -> None:
        """Carry out commands while the watcher looks on, or is away."""
        cluster = LocalCluster(self.settings, self.store())
        await cluster.start()
        if watched:
            self.watcher.move_to(cluster)
            self.watcher.resume()
        caught_up = len(self.watcher.caught_up_at)
        for command_id in command_ids:
            body(*await cluster.ask([grant(USER, command_id)]))
        if watched:
            await self.watcher.until_caught_up(times=caught_up + 1)
            rows = await rows_read(cluster, USER)
            await self.watcher.until(lambda: self.watcher.mirror.rows == rows)
            self.watcher.cut()
        await cluster.drain()

    @property
    def whys(self) -> list[str]:
        return self.watcher.mirror.whys


async def restored_to_a_backup(servers: Servers) -> None:
    await servers.serve("b1", watched=False)
    await back_up(servers.store(), servers.store("backup"), owner=OWNER, clock=lambda: "now")
    await servers.serve("b2", watched=False)
    async for _ in restore(servers.store("backup"), servers.store(), owner=OWNER):
        pass


async def imported_from_an_export(servers: Servers) -> None:
    lines = [each.line async for each in export(servers.store()) if each.line is not None]
    await servers.serve("i1", "i2", watched=False)
    async for _ in import_lines(servers.store(), lines, "e", owner=OWNER, replace=True):
        pass


async def deleted(servers: Servers) -> None:
    assert await delete(servers.store(), USER, [], owner=OWNER)


BARRIERS: dict[Callable[[Servers], Awaitable[None]], str] = {
    restored_to_a_backup: "restored",
    imported_from_an_export: "restored",
    deleted: "era",
}


@pytest.mark.parametrize("barrier", BARRIERS, ids=lambda barrier: barrier.__name__)
@pytest.mark.parametrize("later", [(), ("l1", "l2", "l3", "l4", "l5")])
async def test_a_watcher_begins_anew_behind_a_barrier(
    barrier: Callable[[Servers], Awaitable[None]], later: tuple[str, ...], tmp_path: Path
) -> None:
    servers = Servers(tmp_path)
    await servers.serve("c1", "c2", "c3")
    assert servers.whys == ["first"]
    await barrier(servers)
    await servers.serve(*later, watched=False)
    await servers.serve("z1")
    assert servers.whys == ["first", BARRIERS[barrier]]
    await servers.serve("z2", watched=False)
    await servers.serve("z3")
    assert servers.whys == ["first", BARRIERS[barrier]], "the new era goes on like any other"


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

"""Servers one after the other on a store, what an operator does in between, and a watcher."""

from collections.abc import Awaitable, Callable
from pathlib import Path

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


Barrier = Callable[[Servers], Awaitable[None]]

BARRIERS: dict[Barrier, str] = {
    restored_to_a_backup: "restored",
    imported_from_an_export: "restored",
    deleted: "era",
}


async def a_watcher_begins_anew_behind_a_barrier(
    barrier: Barrier, later: tuple[str, ...], folder: Path
) -> None:
    """Once, and then the new era goes on like any other."""
    servers = Servers(folder)
    await servers.serve("c1", "c2", "c3")
    assert servers.whys == ["first"]
    await barrier(servers)
    await servers.serve(*later, watched=False)
    await servers.serve("z1")
    assert servers.whys == ["first", BARRIERS[barrier]]
    await servers.serve("z2", watched=False)
    await servers.serve("z3")
    assert servers.whys == ["first", BARRIERS[barrier]]

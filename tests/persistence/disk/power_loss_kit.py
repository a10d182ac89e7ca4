"""Every tree a power loss may leave, from a record of the calls before it.

The model keeps less than any real file system does: of what was not synced, any part may be lost.
Names in a folder are lost or kept one by one until the folder is synced; a file's bytes since its
last sync survive up to any byte, and what follows may be zeros.  (After SQLite's test6.)

Not for: disks that lie about a sync.
"""

import random
from pathlib import Path
from typing import Any

import pytest

from tests.persistence.disk.history_kit import ClientView, live, nothing_is_lost
from tests.persistence.disk.recorded_os_kit import RecordingOs


class _File:
    def __init__(self) -> None:
        self.content = b""
        self.synced = 0


class _Folder:
    def __init__(self) -> None:
        self.now: dict[str, Any] = {}
        self.durable: dict[str, Any] = {}
        self.unsynced: list[tuple[str, Any]] = []  # name, and what stands there now or None

    def put(self, name: str, node: Any) -> None:
        self.unsynced.append((name, node))
        if node is None:
            del self.now[name]
        else:
            self.now[name] = node

    def sync(self) -> None:
        self.durable, self.unsynced = dict(self.now), []


class Disk:
    """Replays a `RecordingOs` log, and can lose power after any of its entries."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._top = _Folder()
        self._files: dict[int, _File] = {}

    def replay(self, entry: tuple[Any, ...]) -> None:
        match entry:
            case ("create", path, inode):
                self._files[inode] = _File()
                self._put(path, self._files[inode])
            case ("write", inode, content):
                self._files[inode].content += content
            case ("sync", inode):
                self._files[inode].synced = len(self._files[inode].content)
            case ("mkdir", path):
                self._put(path, _Folder())
            case ("sync folder", path) if self._inside(path):
                self._node(path).sync()
            case ("link", source, target):
                self._put(target, self._node(source))
            case ("rename", source, target):
                self._put(target, self._node(source))
                self._put(source, None)
            case ("unlink" | "rmdir", path):
                self._put(path, None)

    def lose_power(self, dice: random.Random, remains: Path) -> None:
        """Write to `remains` one tree that may be found after the power went now."""
        _materialise(self._top, dice, remains)

    def _inside(self, path: Path) -> bool:
        return path.is_relative_to(self._root)

    def _put(self, path: Path, node: Any) -> None:
        if path != self._root:  # the root itself stands: it is the first thing to be durable
            self._node(path.parent).put(path.name, node)

    def _node(self, path: Path) -> Any:
        node: Any = self._top
        for name in path.relative_to(self._root).parts:
            node = node.now[name]
        return node


def _materialise(folder: _Folder, dice: random.Random, place: Path) -> None:
    place.mkdir()
    kept = dict(folder.durable)
    for name, node in folder.unsynced:
        if dice.random() < 0.5:
            kept[name] = node
    for name, node in kept.items():
        if isinstance(node, _Folder):
            _materialise(node, dice, place / name)
        elif node is not None:
            (place / name).write_bytes(_surviving(node, dice))


def _surviving(file: _File, dice: random.Random) -> bytes:
    length = dice.randint(file.synced, len(file.content))
    zeros = dice.choice([0, dice.randint(0, len(file.content) - length)])
    return file.content[:length] + bytes(zeros)


async def lose_power_everywhere(folder: Path, trees_per_call: int) -> int:
    """Return how many trees were judged; raises at the first that lost something."""
    root = folder / "store"
    recorder = RecordingOs(root)
    client = ClientView(
        lambda acknowledged, attempted: recorder.log.append(("client", acknowledged, attempted))
    )
    with pytest.MonkeyPatch.context() as patch:
        recorder.install(patch)
        await live(root, client)
    dice, disk, trees = random.Random(11), Disk(root), 0
    acknowledged = attempted = 0
    for entry in recorder.log:
        if entry[0] == "client":
            acknowledged, attempted = entry[1:]
        disk.replay(entry)
        for _ in range(trees_per_call):
            trees += 1
            remains = folder / f"remains{trees}"
            disk.lose_power(dice, remains)
            nothing_is_lost(remains, acknowledged, attempted)
    return trees

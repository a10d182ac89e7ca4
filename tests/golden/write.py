"""Writes the golden files of today's formats: `python -m tests.golden.write`.

They are written anew as long as no release has the format; from then on they never change, and this
refuses to touch them.  A new format gets a folder of its own: raise `FOLDER` with it.

Every file but JSON carries `.bin` behind its own name, so that nobody takes it for text.

Not for: reading them (`test_golden`).
"""

import asyncio
import itertools
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from actors.host.host import Host
from actors.messages import Ask, Media
from domain.messages.commands import decode_command
from persistence import eras
from persistence.codec.formats import FORMAT
from persistence.disk.store import DiskStore
from persistence.journal import frame
from persistence.maintenance.backup import back_up
from persistence.memory import MemoryStore, World
from persistence.open import probe
from persistence.store import Store
from tests.actors.host_kit import settings
from tests.domain.script_kit import SMALL_TEXT, command_fields
from tests.domain.table_kit import CASES
from tests.faulty_object_store_kit import FaultyBucket, Objects, open_store
from tests.persistence.maintenance.tool_kit import exported, imported, lines, rest

FOLDER = Path(__file__).parent / f"v{FORMAT}"
CHANGELOG = Path(__file__).parents[2] / "CHANGELOG.md"

RULES_TEXT = SMALL_TEXT + (CASES / "penalties.toml").read_text(encoding="utf-8")
EVERYTHING = (
    "plan c; offer q chapter_id=c experience=120 items.sword=2 currency.gold=7 affinity.mei=-3"
    " need=defeat:wolf:1; start b chapter_id=c hostile.strength=1 experience_reward=50; attack b;"
    " turn_in q; offer r need=collect:herb:3; signal collect:herb:1; offer s; abandon s;"
    " grant 30 id=gift; undo gift; start spar mode=spar; guard spar; escape spar; acknowledge;"
    " ledger c granted_quest_xp=5"
)
IN_A_BATCH = 6
NOT_STORED = ("lock", "tmp", "trash")


def released(changelog: str, format_: int) -> bool:
    """Whether a release that CHANGELOG tells of has snapshots of this format."""
    entries = re.split(r"^## ", changelog, flags=re.MULTILINE)[1:]
    return any(
        f"snapshots {format_}" in entry
        for entry in entries
        if "unreleased" not in entry.partition("\n")[0]
    )


async def fill(store: Store) -> None:
    """Users with every table filled: in snapshots, in journals that run, and in a fenced one."""
    clock = itertools.count(1_767_225_600_000_000, 1_000_000)
    numbers = itertools.count()

    def host(name: str) -> Host:
        how = settings(rules_text=RULES_TEXT, receipt_window=6)
        return Host(name, store, how, now=lambda: next(clock), on_fenced=lambda: None)

    async def play(at: Host, user_id: str, script: str) -> None:
        asked = [command_fields(line) for line in script.split(";")]
        for fields in asked:
            if fields["command_id"] == "x":
                fields["command_id"] = f"c{next(numbers)}"
        for first in range(0, len(asked), IN_A_BATCH):
            batch = map(decode_command, asked[first : first + IN_A_BATCH])
            for reply in await at.ask([Ask.of(user_id, one, Media.MSGPACK) for one in batch]):
                assert reply.code == "", reply

    await store.write_snapshot(eras.NAME, 1, b"90d1de2a")
    past = host("users-2")
    await play(past, "alice", ";".join(["grant 1"] * 330))
    await rest(past, "alice")  # with a page of the history behind it
    await past.drain()
    dead = host("users-0")
    await play(dead, "alice", EVERYTHING)
    await play(dead, "carol", "grant 5 source=quest; grant 7")
    await store.fence((await store.streams("users-0"))[0])
    alive = host("users-1")
    await play(alive, ".bob@home", EVERYTHING)
    await rest(alive, ".bob@home")
    await play(alive, ".bob@home", "signal collect:herb:2; turn_in r")


def store_files(root: Path, folder: Path) -> None:
    """A disk store as golden files."""
    for path in sorted(root.rglob("*")):
        inside = path.relative_to(root)
        if path.is_file() and inside.parts[0] not in NOT_STORED:
            save(folder / inside, path.read_bytes())


def save(path: Path, content: bytes) -> None:
    """One golden file."""
    path = path if path.suffix in (".json", ".jsonl") else path.with_name(f"{path.name}.bin")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


async def write(folder: Path, scratch: Path) -> None:
    """All golden files of one format."""
    disk = DiskStore(scratch / "store", segment_bytes=2_000)
    await fill(disk)
    [stream] = await disk.streams("users-1")
    segment = max((scratch / "store/journals/users-1" / stream.incarnation).glob("*.journal"))
    last = [batch.sequence async for batch in disk.read(stream)][-1]
    torn = frame.encode(last + 1, b"answered to nobody", frame.JOURNAL)[:40]
    segment.write_bytes(segment.read_bytes() + torn)
    store_files(scratch / "store", folder / "store")

    objects = Objects()
    bucket = open_store(FaultyBucket(objects))
    await probe(bucket)
    await fill(bucket)
    for name in objects.all_names():
        found = objects.get(name)
        assert found is not None
        save(folder / "objects" / name, found.content)

    told = await lines(disk)
    save(folder / "export.jsonl", b"".join(told))
    copy = MemoryStore(World(), name="golden")
    await imported(copy, told)
    backup = DiskStore(scratch / "backup")
    moments = iter(["2026-01-01T00:00:00Z", "2026-01-01T00:00:02Z"])
    await back_up(copy, backup, owner="golden", clock=lambda: next(moments))
    store_files(scratch / "backup", folder / "backup")

    expected: dict[str, Any] = await exported(disk)
    text = msgspec.json.format(msgspec.json.encode(expected, order="sorted"), indent=1)
    save(folder / "expected.json", text + b"\n")
    await disk.close()
    await backup.close()


def main() -> None:
    if released(CHANGELOG.read_text(encoding="utf-8"), FORMAT):
        sys.exit(f"{FOLDER.name} was released: its files never change. A new format is a new one.")
    shutil.rmtree(FOLDER, ignore_errors=True)
    with tempfile.TemporaryDirectory() as scratch:
        asyncio.run(write(FOLDER, Path(scratch)))


if __name__ == "__main__":
    main()

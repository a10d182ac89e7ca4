"""Every byte that a released Questkeep wrote is read as it was meant, for ever (P9)."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from persistence.disk.store import DiskStore
from persistence.journal.recovery import fold
from persistence.maintenance.backup import restore
from persistence.maintenance.manifest import read_entries, read_manifest
from persistence.maintenance.overwrite import Outcome
from persistence.maintenance.verification import verify
from persistence.memory import MemoryStore, World
from persistence.store import Store
from tests.actors.host_kit import ask, body, grant, total_xp
from tests.faulty_object_store_kit import FaultyBucket, Objects, open_store
from tests.golden.write import released
from tests.persistence.maintenance.tool_kit import OWNER, a_host, exported, imported, outcomes

HERE = Path(__file__).parent
VERSIONS = sorted(path.name for path in HERE.glob("v*"))
TABLES = {
    "player_progression",
    "chapter_progression",
    "quest_record",
    "battle_state",
    "inventory",
    "wallet",
    "affinity",
    "repeat_tally",
    "history",
}


def expected(version: str) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode((HERE / version / "expected.json").read_bytes())
    return found


def disk(version: str, folder: Path) -> Store:
    return _disk(HERE / version / "store", folder)


def backup(version: str, folder: Path) -> Store:
    return _disk(HERE / version / "backup", folder)


def _disk(golden: Path, folder: Path) -> Store:
    for path in golden.rglob("*.bin"):
        target = folder / path.relative_to(golden).with_suffix("")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    return DiskStore(folder)


def bucket(version: str, _: Path) -> Store:
    objects, golden = Objects(), HERE / version / "objects"
    for path in golden.rglob("*.bin"):
        objects.create(str(path.relative_to(golden).with_suffix("")), path.read_bytes())
    return open_store(FaultyBucket(objects))


Golden = Callable[[str, Path], Store]


@pytest.fixture(params=[disk, bucket], ids=["disk", "bucket"])
def golden(request: pytest.FixtureRequest) -> Golden:
    made: Golden = request.param
    return made


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def store(golden: Golden, version: str, tmp_path: Path) -> AsyncIterator[Store]:
    opened = golden(version, tmp_path)
    yield opened
    await opened.close()


def test_there_are_golden_files_and_every_table_has_a_row_in_them(version: str) -> None:
    bob = expected(version)[".bob@home"]
    assert {table for table, rows in bob["rows"].items() if rows} >= TABLES
    assert bob["receipts"]
    assert expected(version)["alice"]["pages"]
    suffixes = {path.suffix for path in (HERE / version).rglob("*") if path.is_file()}
    assert suffixes == {".bin", ".json", ".jsonl"}
    segments = list((HERE / version / "store").rglob("*.journal.bin"))
    assert len(segments) > 3
    assert [path.name for path in (HERE / version / "store").rglob("SEAL*")] == ["SEAL.bin"]


def in_new_eras(users: dict[str, Any], before: dict[str, Any]) -> bool:
    """Whether these are the same users, each in an era of their own."""
    same = {name: {**user, "era": users[name]["era"]} for name, user in before.items()} == users
    return same and {user["era"] for user in before.values()}.isdisjoint(
        user["era"] for user in users.values()
    )


async def test_a_store_is_read_as_it_was_meant(store: Store, version: str) -> None:
    assert (await verify(store)).damages == []
    assert await exported(store) == expected(version)


async def test_a_store_is_recovered_and_served(store: Store, version: str) -> None:
    await fold(store, await store.streams(), 6)
    assert await store.streams() == []
    after, before = await exported(store), expected(version)
    for user_id, user in before.items():
        assert after[user_id]["rows"] == user["rows"]
        assert after[user_id]["receipts"] == user["receipts"][-6:]
    host = a_host(store)
    (reply,) = await ask(host, grant("alice", "new"))
    assert body(reply)["version"] == before["alice"]["version"] + 1
    for user_id in ("carol", ".bob@home"):
        row = before[user_id]["rows"]["player_progression"]
        assert await total_xp(host, user_id) == row["total_xp"]


async def test_an_export_is_read_as_it_was_meant(version: str) -> None:
    there = MemoryStore(World())
    told = (HERE / version / "export.jsonl").read_bytes().splitlines(keepends=True)
    assert set((await imported(there, told)).values()) == {Outcome.WRITTEN}
    assert in_new_eras(await exported(there), expected(version))


async def test_a_backup_is_read_as_it_was_meant(version: str, tmp_path: Path) -> None:
    source, there = backup(version, tmp_path), MemoryStore(World())
    head = await read_manifest(source)
    assert (head.begun, head.ended) == ("2026-01-01T00:00:00Z", "2026-01-01T00:00:02Z")
    assert head.source == "memory://golden"
    listed = {one.user_id: one.version for one in await read_entries(source, head)}
    assert listed == {name: user["version"] for name, user in expected(version).items()}
    told = [one async for one in restore(source, there, owner=OWNER)]
    assert set(outcomes(told).values()) == {Outcome.WRITTEN}
    assert in_new_eras(await exported(there), expected(version))
    await source.close()


@pytest.mark.parametrize(
    ("heading", "said", "is_released"),
    [
        ("0.1.0 (unreleased)", "snapshots 1", False),
        ("0.1.0 (2027-01-01)", "snapshots 1", True),
        ("0.1.0 (2027-01-01)", "snapshots 2", False),
    ],
)
def test_a_format_that_was_released_is_not_written_anew(
    heading: str, said: str, is_released: bool
) -> None:
    text = f"# Changelog\n\n## {heading}\n\n**Formats:** records 1, {said}.\n"
    assert released(text, 1) is is_released

"""A store in which every user has a past: many settled quests, and some that are ready.

One user lives through it in a host without a disk; the others are copies of the snapshot under
their own names.  Settled quests are abandoned ones: they stay, and no history goes with them.

Not for: what peers start from (`dataset`).
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from actors.cluster.host_actor import now
from actors.host.host import Host
from actors.host.settings import HostSettings
from actors.messages import Ask, Media
from benchmarks.users.dataset import (
    CHAPTER_ID,
    CHAPTER_PLAN,
    EXPERIENCE,
    RULES_FILE,
    Dataset,
    quest_id,
    user_id,
)
from domain.messages.commands import decode_command
from persistence.disk.store import DiskStore
from persistence.memory import MemoryStore, World

LIST_MAX = 100
ORIGINAL = user_id(0)


def stock(folder: Path, dataset: Dataset, settled: int) -> None:
    """Fill an empty store: the dataset's quests, and before them so many settled ones."""
    asyncio.run(_stock(folder, dataset, settled))


async def _stock(folder: Path, dataset: Dataset, settled: int) -> None:
    memory = MemoryStore(World())
    settings = HostSettings("memory://bench", RULES_FILE.read_text(encoding="utf-8"))
    host = Host("bench", memory, settings, now=now, on_fenced=lambda: None)
    await host.open()
    asks = [
        Ask.of(ORIGINAL, decode_command(fields), Media.JSON) for fields in _past(dataset, settled)
    ]
    for start in range(0, len(asks), LIST_MAX):
        refused = [r for r in await host.ask(asks[start : start + LIST_MAX]) if r.code]
        assert not refused, refused[0]
    await host.drain()
    original = await memory.read_snapshot(ORIGINAL)
    assert original is not None
    store = DiskStore(folder)
    for number in range(dataset.users):
        name = user_id(number)
        assert len(name) == len(ORIGINAL), "a copy's bytes are as long as the original's"
        payload = original.payload.replace(ORIGINAL.encode(), name.encode())
        await store.write_snapshot(name, original.version, payload)
    await store.close()


def _past(dataset: Dataset, settled: int) -> Iterator[dict[str, Any]]:
    plan = {"type": "upsert_chapter_progression", "chapter_id": CHAPTER_ID, **CHAPTER_PLAN}
    yield {"command_id": "plan", **plan}
    for number in range(settled):
        yield _offer(f"past-{number}", f"past-{number:06d}")
        fields = {"type": "abandon_quest", "quest_id": f"past-{number:06d}"}
        yield {"command_id": f"past-{number}-over", **fields}
    for number in range(dataset.last_quest + 1):
        yield _offer(f"offer-{number}", quest_id(number))


def _offer(command_id: str, quest: str) -> dict[str, Any]:
    reward = {"experience": EXPERIENCE}
    fields = {"type": "offer_quest", "quest_id": quest, "chapter_id": CHAPTER_ID, "reward": reward}
    return {"command_id": command_id, **fields}

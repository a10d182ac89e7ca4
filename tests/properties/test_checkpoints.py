"""Checkpoints: whoever plays and whenever, a journal stays short, and a death costs nothing."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as some

from persistence.memory import MemoryStore
from tests.actors.host_kit import Rig, ask, grant, total_xp

PLAYERS = some.sets(some.integers(0, 60), min_size=1, max_size=20)


@given(some.lists(PLAYERS, min_size=1, max_size=80), some.integers(12, 60))
def test_no_journal_outgrows_its_length_and_no_turn_is_lost_with_its_host(
    batches: list[set[int]], batches_max: int
) -> None:
    asyncio.run(played_and_killed(batches, batches_max))


async def played_and_killed(batches: list[set[int]], batches_max: int) -> None:
    """Each batch is a turn of each of its players; the host is left as it stands after the last."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MemoryStore, "batches_max", batches_max)
        rig = Rig()
        turns: dict[str, int] = {}
        for number, players in enumerate(batches):
            users = [f"u{player}" for player in sorted(players)]
            await ask(rig.host, *(grant(user, f"c{number}", 1) for user in users))
            await rig.host.tasks.wait_idle()
            for user in users:
                turns[user] = turns.get(user, 0) + 1
            standing = sum(len(journal.batches) for journal in rig.world.journals.values())
            assert standing <= batches_max
        successor = rig.another()
        assert {user: await total_xp(successor, user) for user in turns} == turns

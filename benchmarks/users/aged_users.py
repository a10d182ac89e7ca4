"""Aged users: five chapters, twenty quests and a receipt window that is full.

Every command has a UUID of its own, as clients make them: ids that count would compress better
than those of real players.

Not for: the dataset of the load over HTTP (`dataset`).
"""

import random
import uuid
from collections.abc import Iterator
from typing import Any

from actors.messages import Ask, Media
from benchmarks.users.dataset import CHAPTER_PLAN
from domain.messages.commands import decode_command

CHAPTERS = 5
QUESTS = 20
SIGNALS = 3
"""For each quest, before it can be turned in."""
COMMANDS = 128
"""As many as the default window remembers: what quests leave over are grants."""


def user_id(number: int) -> str:
    """All of one length, so that one can stand for another in stored bytes."""
    return f"player-{number:08}"


def commands_of(number: int) -> list[Ask]:
    """One user's commands in order; the same number, the same commands."""
    dice = random.Random(number)
    asks = [
        Ask.of(user_id(number), decode_command({"command_id": _fresh(dice), **fields}), Media.JSON)
        for fields in _five_chapters(dice)
    ]
    while len(asks) < COMMANDS:
        amount = dice.randrange(1, 40)
        asks.append(grant(number, _fresh(dice), amount))
    assert len(asks) == COMMANDS
    return asks


def grant(number: int, command_id: str, amount: int) -> Ask:
    """The simplest command that changes a user."""
    type_ = "grant_player_progression_experience"
    fields = {"command_id": command_id, "type": type_, "amount": amount}
    return Ask.of(user_id(number), decode_command(fields), Media.JSON)


def _five_chapters(dice: random.Random) -> Iterator[dict[str, Any]]:
    for chapter in range(CHAPTERS):
        plan = {**CHAPTER_PLAN, "chapter_index": chapter + 1}
        yield {"type": "upsert_chapter_progression", "chapter_id": f"chapter-{chapter}", **plan}
    for quest in range(QUESTS):
        target = f"item-{quest}"
        yield {
            "type": "offer_quest",
            "quest_id": f"quest-{quest:03}",
            "chapter_id": f"chapter-{quest * CHAPTERS // QUESTS}",
            "objectives": [{"kind": "collect", "target": target, "required": SIGNALS}],
            "reward": {"experience": dice.randrange(80, 160), "items": {target: 1}},
        }
        for _ in range(SIGNALS):
            yield {"type": "record_signal", "kind": "collect", "target": target, "count": 1}
        yield {"type": "turn_in_quest", "quest_id": f"quest-{quest:03}"}


def _fresh(dice: random.Random) -> str:
    return str(uuid.UUID(int=dice.getrandbits(128), version=4))

"""Seeded users: what a test says a user has, as the commands that give it to them.

Not for: sending them (`server`), or whole users out of an export, which are imported.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from domain.rules.compiled_rules import Rules
from questkeep_client import AcknowledgeLevelUps, Command, GrantExperience, OfferQuest, TurnInQuest

GOODS_QUEST = "seed"
"""The quest whose reward are a seeded user's goods; it is turned in."""


def seed_commands(
    rules: Rules, level: int, experience: int, goods: Mapping[str, Mapping[str, int]]
) -> Iterator[Command]:
    """What brings a new user to the beginning of `level`, and so much `experience` beyond it.

    `goods` are `items`, `currency` and `affinity` of a quest's reward.

    Raises:
        ValueError: the rules have no such level.
    """
    if not 1 <= level <= rules.level_cap:
        raise ValueError(f"level is {level}, and these rules have 1 to {rules.level_cap}")
    if total := rules.xp_at(level * 1_000) + experience:
        yield GrantExperience(total)
        yield AcknowledgeLevelUps()
    reward: dict[str, Any] = {kind: dict(amounts) for kind, amounts in goods.items() if amounts}
    if reward:
        yield OfferQuest(GOODS_QUEST, reward)
        yield TurnInQuest(GOODS_QUEST)

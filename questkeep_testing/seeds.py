"""Seeded users: what a test says a user has, and players who have played a story.

Not for: sending or importing them (`server`).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from designer.simulation.player import Player
from designer.simulation.run import kind_of
from designer.simulation.script import compile_story
from designer.simulation.story_file import read_story
from domain.rules.compiled_rules import Rules
from persistence.codec.snapshots import Snapshot
from persistence.maintenance.export_format import line_of
from persistence.maintenance.user_history import CompleteUser
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


def played_users(story_text: str, rules: Rules, players: int, seed: int) -> Iterator[bytes]:
    """Players `player-0`, `player-1`, ... who have played the story to its end, as export lines.

    Every kind of player has its share; the same seed plays the same.

    Raises:
        InvalidStory: the text is none, or not under these rules.
    """
    story = compile_story(read_story(story_text), rules)
    for number in range(players):
        kind = story.story.players[kind_of(number, story, players)]
        player = Player(story, kind, number, seed, forget=False)
        player.play()
        yield line_of(CompleteUser(Snapshot(player.state, []), []))

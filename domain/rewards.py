"""Rewards settle together: experience with its chapter ledger, items, currency and affinity.

Quest and combat rules know nothing of this [seed]; `decide` composes them.
"""

from msgspec import Struct

from domain import chapters, progression
from domain.events import (
    AffinityChanged,
    AnyEvent,
    ChapterLedgerApplied,
    CurrencyGranted,
    ExperienceGranted,
    ItemsGranted,
    LevelReached,
)
from domain.rejections import Code, Rejection
from domain.rows import INTEGER_MAX, ChapterProgression, PlayerProgression, Reward, Source
from domain.rules import Rules
from domain.state import UserState


class SettledExperience(Struct, frozen=True):
    """Rows after a grant; None and empty where nothing changed."""

    player_progression: PlayerProgression | None
    chapter_progression: tuple[ChapterProgression, ...]
    events: tuple[AnyEvent, ...]


class SettledGoods(Struct, frozen=True):
    """Amounts after a reward; None where nothing changed."""

    inventory: dict[str, int] | None
    wallet: dict[str, int] | None
    affinity: dict[str, int] | None
    events: tuple[AnyEvent, ...]


def settle_experience(
    player: PlayerProgression,
    chapter: ChapterProgression | None,
    *,
    amount: int,
    source: Source,
    defeats: int,
    now: int,
    rules: Rules,
) -> SettledExperience | Rejection:
    """Grant `amount` and write the chapter's ledger; no plan, no `chapter`, no entry [seed].

    The player's row changes only for an amount above 0; the ledger gets its entry either way, with
    the level after the grant.
    """
    granted = progression.grant_player_progression_experience(player, amount, source, now, rules)
    if isinstance(granted, Rejection):
        return granted
    events: list[AnyEvent] = []
    if amount > 0:
        chapter_id = chapter.chapter_id if chapter else None
        events.append(ExperienceGranted(source, amount, amount, chapter_id))
        events += [LevelReached(level) for level in range(player.level + 1, granted.level + 1)]
    ledger: tuple[ChapterProgression, ...] = ()
    if chapter is not None:
        quest_xp, hostile_xp = (amount, 0) if source is Source.QUEST else (0, amount)
        entry = chapters.apply_chapter_progression_ledger_entry(
            chapter,
            granted_quest_xp=quest_xp,
            granted_hostile_xp=hostile_xp,
            hostile_defeat_increment=defeats,
            level_at_exit=granted.level,
            now=now,
        )
        if isinstance(entry, Rejection):
            return entry
        if entry is not chapter:
            ledger = (entry,)
            events.append(ChapterLedgerApplied(chapter.chapter_id, quest_xp, hostile_xp, defeats))
    return SettledExperience(granted if amount > 0 else None, ledger, tuple(events))


def settle_goods(state: UserState, reward: Reward) -> SettledGoods | Rejection:
    """Add the reward's items, currency and affinity to what the user has."""
    inventory = _add("items", state.inventory, reward.items)
    wallet = _add("currency", state.wallet, reward.currency)
    affinity = _add("affinity", state.affinity, reward.affinity)
    if isinstance(inventory, Rejection):
        return inventory
    if isinstance(wallet, Rejection):
        return wallet
    if isinstance(affinity, Rejection):
        return affinity
    return SettledGoods(
        inventory,
        wallet,
        affinity,
        (
            *(ItemsGranted(item, count) for item, count in sorted(reward.items.items())),
            *(CurrencyGranted(coin, amount) for coin, amount in sorted(reward.currency.items())),
            *(AffinityChanged(npc, amount) for npc, amount in sorted(reward.affinity.items())),
        ),
    )


def _add(
    name: str, held: dict[str, int], gained: dict[str, int]
) -> dict[str, int] | Rejection | None:
    """`held` with `gained` added to it, or None when there is nothing to add."""
    if not gained:
        return None
    after = dict(held)
    for key, amount in gained.items():
        after[key] = after.get(key, 0) + amount
        if abs(after[key]) > INTEGER_MAX:
            return Rejection(
                Code.INVALID_FIELD,
                f"{name}.{key} is {amount}, but the {held.get(key, 0)} held can only move "
                f"within ±{INTEGER_MAX}",
            )
    return after

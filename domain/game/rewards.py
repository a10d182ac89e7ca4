"""Rewards: experience, ledger, items, currency, affinity and history, paid out once and together.

Whatever pays a player goes through `pay_out`, so a quest and a battle cannot differ in what they
write.  All of it is one decision: it stands or falls as one, and the order in which a reward lists
its parts makes no difference.

Not for: when something pays (`decide`), or what the rules make of planned experience
(`xp_modifiers`).
"""

from msgspec import Struct

from domain.game import chapters
from domain.game.defeat_counts import current_counts, with_defeat
from domain.game.goods import give, listed
from domain.game.loot import open_tables
from domain.game.progression import grant_player_progression_experience, progression_of
from domain.game.xp_modifiers import ModifierContext, modify_experience
from domain.messages.decision import Decision
from domain.messages.events import (
    AffinityChanged,
    AnyEvent,
    ChapterLedgerApplied,
    CurrencyGranted,
    ExperienceGranted,
    ItemsGranted,
    LevelReached,
)
from domain.messages.rejections import Rejection
from domain.rules.compiled_rules import Rules
from domain.state.history import Cause, Factor, HistoryEntry
from domain.state.rows import (
    BattleState,
    ChapterProgression,
    DefeatCounts,
    Hostile,
    PlayerProgression,
    QuestRecord,
    Reward,
    Source,
)
from domain.state.user_state import Changes, UserState

NO_GOODS = Reward()


class Grant(Struct, frozen=True):
    """What is about to be paid: `planned` experience, before any XP modifier, and goods.

    `hostile` is who was defeated for it, None when nobody was.
    """

    command_id: str
    cause: Cause
    cause_id: str
    source: Source
    planned: int
    chapter_id: str | None = None
    goods: Reward = NO_GOODS
    hostile: Hostile | None = None


class Happened(Struct, frozen=True):
    """What the grant is paid for: events and rows that belong to the same decision."""

    events: tuple[AnyEvent, ...]
    quest_record: tuple[QuestRecord, ...] = ()
    battle_state: tuple[BattleState, ...] = ()


class Earned(Struct, frozen=True):
    """The experience of a grant: both sides of the player's row and of the chapter's."""

    amount: int
    factors: tuple[Factor, ...]
    before: PlayerProgression
    after: PlayerProgression
    chapter: ChapterProgression | None
    ledger: ChapterProgression | None


def pay_out(
    state: UserState, grant: Grant, happened: Happened, now: int, rules: Rules
) -> Decision | Rejection:
    """`happened` and all that `grant` pays for it, in one decision; loot tables are opened first.

    The player's row changes only for experience above 0.  The ledger of a chapter with a plan gets
    what was granted, the defeat, and the level after it; without a plan there is no entry [seed].
    """
    hostile = grant.hostile
    counts = None if hostile is None else current_counts(state, grant.chapter_id, now, rules)
    earned = _earn(state, grant, counts, now, rules)
    if isinstance(earned, Rejection):
        return earned
    goods, loot = open_tables(state.user_id, grant.cause, grant.cause_id, grant.goods, rules)
    held = give(state, goods)
    if isinstance(held, Rejection):
        return held
    entry = _entry(state, grant, goods, earned, now, rules)
    ledger = earned.ledger
    changes = Changes(
        player_progression=earned.after if earned.amount > 0 else None,
        chapter_progression=() if ledger is None or ledger is earned.chapter else (ledger,),
        quest_record=happened.quest_record,
        battle_state=happened.battle_state,
        inventory=held.inventory,
        wallet=held.wallet,
        affinity=held.affinity,
        repeat_tally=(with_defeat(counts, hostile.hostile_id),) if counts and hostile else (),
        history=() if entry is None else (entry,),
    )
    return Decision(changes, _told(happened, grant, earned, loot, entry))


def _earn(
    state: UserState, grant: Grant, counts: DefeatCounts | None, now: int, rules: Rules
) -> Earned | Rejection:
    """Modify what was planned, grant it, and write the ledger.

    A grant by command means the amount it names: no modifier applies.
    """
    before = progression_of(state, rules)
    chapter = None if grant.chapter_id is None else state.chapters.get(grant.chapter_id)
    amount = grant.planned
    factors: tuple[Factor, ...] = ()
    if amount > 0 and grant.cause is not Cause.GRANT and not rules.penalties.off:
        context = _context(grant, before.level, chapter, counts)
        amount, factors = modify_experience(amount, context, rules)
    after = grant_player_progression_experience(before, amount, grant.source, now, rules)
    if isinstance(after, Rejection):
        return after
    if chapter is None:
        return Earned(amount, factors, before, after, None, None)
    quest_xp, hostile_xp = _by_source(grant.source, amount)
    ledger = chapters.apply_chapter_progression_ledger_entry(
        chapter,
        granted_quest_xp=quest_xp,
        granted_hostile_xp=hostile_xp,
        hostile_defeat_increment=0 if grant.hostile is None else 1,
        level_at_exit=after.level,
        now=now,
        tier=None if grant.hostile is None else grant.hostile.tier,
    )
    if isinstance(ledger, Rejection):
        return ledger
    return Earned(amount, factors, before, after, chapter, ledger)


def _context(
    grant: Grant, level: int, chapter: ChapterProgression | None, counts: DefeatCounts | None
) -> ModifierContext:
    """What modifiers may look at.  A quest is as hard as the point its chapter has reached."""
    hostile = grant.hostile
    target = None if hostile is None else hostile.level
    budget, spent = None, 0
    if chapter is not None:
        budget, spent = chapters.budget_of(chapter, grant.source)
        if target is None:
            target = chapters.pseudo_level_reached(chapter) // 1000
    return ModifierContext(
        source=grant.source,
        player_level=level,
        target_level=target,
        repeats=counts.defeats.get(hostile.hostile_id, 0) if counts and hostile else 0,
        budget=budget,
        spent=spent,
    )


def _entry(
    state: UserState, grant: Grant, goods: Reward, earned: Earned, now: int, rules: Rules
) -> HistoryEntry | None:
    """The history entry for it, `goods` and all; None when the grant holds nothing."""
    items, currency, affinity = goods.items, goods.currency, goods.affinity
    if items or currency or affinity:
        items, currency, affinity = listed(items), listed(currency), listed(affinity)
    if grant.planned == 0 and not (items or currency or affinity):
        return None
    chapter = earned.chapter
    return HistoryEntry(
        sequence=state.next_sequence,
        version=state.version + 1,
        command_id=grant.command_id,
        at=now,
        source=grant.source,
        cause=grant.cause,
        cause_id=grant.cause_id,
        planned=grant.planned,
        amount=earned.amount,
        level_before=earned.before.level,
        level_after=earned.after.level,
        rules=rules.fingerprint,
        chapter_id=None if chapter is None else chapter.chapter_id,
        factors=earned.factors,
        items=items,
        currency=currency,
        affinity=affinity,
        loot=_opened(grant.goods, rules),
    )


def _opened(goods: Reward, rules: Rules) -> dict[str, int]:
    """How often each table was opened that there is, in the order of their names."""
    return {name: times for name, times in sorted(goods.loot.items()) if name in rules.loot}


def _told(
    happened: Happened,
    grant: Grant,
    earned: Earned,
    loot: tuple[AnyEvent, ...],
    entry: HistoryEntry | None,
) -> tuple[AnyEvent, ...]:
    """What happened, then what it paid, in one order for every grant."""
    events: list[AnyEvent] = [*happened.events]
    chapter_id = grant.chapter_id
    if entry is not None and entry.planned > 0:
        granted = ExperienceGranted(
            entry.source, entry.amount, entry.planned, entry.chapter_id, entry.factors
        )
        events.append(granted)
        for level in range(entry.level_before + 1, entry.level_after + 1):
            events.append(LevelReached(level))
    if chapter_id is not None and earned.ledger is not earned.chapter:
        quest_xp, hostile_xp = _by_source(grant.source, earned.amount)
        defeats = 0 if grant.hostile is None else 1
        events.append(ChapterLedgerApplied(chapter_id, quest_xp, hostile_xp, defeats))
    events += loot
    if entry is not None and (entry.items or entry.currency or entry.affinity):
        events += [ItemsGranted(item, count) for item, count in entry.items.items()]
        events += [CurrencyGranted(coin, amount) for coin, amount in entry.currency.items()]
        events += [AffinityChanged(npc, amount) for npc, amount in entry.affinity.items()]
    return tuple(events)


def _by_source(source: Source, amount: int) -> tuple[int, int]:
    """`amount` as quest XP or as hostile XP."""
    return (amount, 0) if source is Source.QUEST else (0, amount)

"""Rewards: experience, ledger, items, currency, affinity and history, paid out once and together.

Whatever pays a player goes through `pay_out`, so a quest and a battle cannot differ in what they
write.  All of it is one decision: it stands or falls as one, and the order in which a reward lists
its parts makes no difference.  The player's row changes only for experience above 0, and only a
chapter with a plan books it [seed].

Not for: when something pays (`decide`), or what the rules make of planned experience
(`xp_modifiers`).
"""

from msgspec import Struct

from domain.game import chapters
from domain.game.defeat_counts import current_counts, with_defeat
from domain.game.goods import UNTOUCHED, ChangedGoods, give, listed
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


class Goods(Struct, frozen=True):
    """Items, currency and affinity of a grant by id, and what they make of the user's rows.

    `tables` is how often each loot table was opened for them, `openings` what dropped.
    """

    items: dict[str, int]
    currency: dict[str, int]
    affinity: dict[str, int]
    held: ChangedGoods
    tables: dict[str, int]
    openings: tuple[AnyEvent, ...]

    def __bool__(self) -> bool:
        return bool(self.items or self.currency or self.affinity)


EXPERIENCE_ONLY = Goods({}, {}, {}, UNTOUCHED, {}, ())


def pay_out(
    state: UserState,
    grant: Grant,
    happened: tuple[AnyEvent, ...],
    now: int,
    rules: Rules,
    quest_record: tuple[QuestRecord, ...] = (),
    battle_state: tuple[BattleState, ...] = (),
) -> Decision | Rejection:
    """What `happened`, with its rows, and all that `grant` pays for it, in one decision."""
    hostile, chapter_id = grant.hostile, grant.chapter_id
    before = progression_of(state, rules)
    chapter = None if chapter_id is None else state.chapters.get(chapter_id)
    counts = None if hostile is None else current_counts(state, chapter_id, now, rules)
    amount, factors = _worth(grant, before.level, chapter, counts, rules)
    after = grant_player_progression_experience(before, amount, grant.source, now, rules)
    if isinstance(after, Rejection):
        return after
    ledger = None if chapter is None else _booked(chapter, grant, amount, after.level, now)
    if isinstance(ledger, Rejection):
        return ledger
    goods = _give(state, grant, rules)
    if isinstance(goods, Rejection):
        return goods
    entry = None
    if grant.planned or goods:
        entry = HistoryEntry(
            state.next_sequence,
            state.version + 1,
            grant.command_id,
            now,
            grant.source,
            grant.cause,
            grant.cause_id,
            grant.planned,
            amount,
            level_before=before.level,
            level_after=after.level,
            rules=rules.fingerprint,
            chapter_id=None if chapter is None else chapter_id,
            factors=factors,
            items=goods.items,
            currency=goods.currency,
            affinity=goods.affinity,
            loot=goods.tables,
        )
    changes = Changes(
        player_progression=after if amount > 0 else None,
        chapter_progression=() if ledger is None else (ledger,),
        quest_record=quest_record,
        battle_state=battle_state,
        inventory=goods.held.inventory,
        wallet=goods.held.wallet,
        affinity=goods.held.affinity,
        repeat_tally=(with_defeat(counts, hostile.hostile_id),) if counts and hostile else (),
        history=() if entry is None else (entry,),
    )
    return Decision(changes, _events(happened, grant, entry, ledger is not None, amount, goods))


def _worth(
    grant: Grant,
    level: int,
    chapter: ChapterProgression | None,
    counts: DefeatCounts | None,
    rules: Rules,
) -> tuple[int, tuple[Factor, ...]]:
    """What was planned after the XP modifiers, and each that changed it.

    A grant by command means the amount it names: no modifier applies.
    """
    if rules.penalties.off or grant.planned <= 0 or grant.cause is Cause.GRANT:
        return grant.planned, ()
    return modify_experience(grant.planned, _context(grant, level, chapter, counts), rules)


def _booked(
    chapter: ChapterProgression, grant: Grant, amount: int, level: int, now: int
) -> ChapterProgression | Rejection | None:
    """`chapter` with the grant, the defeat and the level after it in its ledger [seed].

    None when there is nothing to add.
    """
    hostile = grant.hostile
    quest_xp, hostile_xp = _by_source(grant.source, amount)
    ledger = chapters.apply_chapter_progression_ledger_entry(
        chapter,
        granted_quest_xp=quest_xp,
        granted_hostile_xp=hostile_xp,
        hostile_defeat_increment=0 if hostile is None else 1,
        level_at_exit=level,
        now=now,
        tier=None if hostile is None else hostile.tier,
    )
    return None if ledger is chapter else ledger


def _give(state: UserState, grant: Grant, rules: Rules) -> Goods | Rejection:
    """The goods of the grant, those out of its loot tables among them."""
    promised = grant.goods
    if not (promised.items or promised.currency or promised.affinity or promised.loot):
        return EXPERIENCE_ONLY
    goods, openings = open_tables(state.user_id, grant.cause, grant.cause_id, promised, rules)
    held = give(state, goods)
    if isinstance(held, Rejection):
        return held
    tables = {name: times for name, times in sorted(promised.loot.items()) if name in rules.loot}
    items, currency, affinity = listed(goods.items), listed(goods.currency), listed(goods.affinity)
    return Goods(items, currency, affinity, held, tables, openings)


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


def _events(
    happened: tuple[AnyEvent, ...],
    grant: Grant,
    entry: HistoryEntry | None,
    booked: bool,
    amount: int,
    goods: Goods,
) -> tuple[AnyEvent, ...]:
    """What happened, then what it paid, in one order for every grant."""
    events = list(happened)
    if entry is not None and entry.planned > 0:
        granted = ExperienceGranted(
            entry.source, entry.amount, entry.planned, entry.chapter_id, entry.factors
        )
        events.append(granted)
        for level in range(entry.level_before + 1, entry.level_after + 1):
            events.append(LevelReached(level))
    if booked and grant.chapter_id is not None:
        quest_xp, hostile_xp = _by_source(grant.source, amount)
        defeats = 0 if grant.hostile is None else 1
        events.append(ChapterLedgerApplied(grant.chapter_id, quest_xp, hostile_xp, defeats))
    if goods is not EXPERIENCE_ONLY:
        events += goods.openings
        events += [ItemsGranted(item, count) for item, count in goods.items.items()]
        events += [CurrencyGranted(coin, amount) for coin, amount in goods.currency.items()]
        events += [AffinityChanged(npc, amount) for npc, amount in goods.affinity.items()]
    return tuple(events)


def _by_source(source: Source, amount: int) -> tuple[int, int]:
    """`amount` as quest XP or as hostile XP."""
    return (amount, 0) if source is Source.QUEST else (0, amount)

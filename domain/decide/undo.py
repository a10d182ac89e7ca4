"""Undo: what one command granted is taken back by another, as far as the user still has it.

The grant stays in the history; an entry of its own says that it was undone, so the sums hold.
An id may have granted twice, the second time after its first receipt was gone: then both go back.

Not for: quests, battles and defeats.  They happened: a turned-in quest stays turned in and a
defeat stays counted; only what they paid goes back.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from domain.game.chapters import take_from_ledger
from domain.game.goods import negated, take, take_affinity
from domain.game.progression import progression_of, take_experience
from domain.messages.commands import UndoGrant
from domain.messages.decision import Decision
from domain.messages.events import AnyEvent, GrantUndone
from domain.messages.rejections import Code, Rejection
from domain.rules.compiled_rules import Rules
from domain.state.history import Cause, HistoryEntry
from domain.state.rows import ChapterProgression, Reward, Source, Tier
from domain.state.user_state import NOTHING, Changes, UserState

_GRANTS = frozenset({Cause.QUEST, Cause.BATTLE, Cause.GRANT})


def undo_grant(
    state: UserState,
    command: UndoGrant,
    now: int,
    rules: Rules,
    older: tuple[HistoryEntry, ...] = (),
) -> Decision | Rejection:
    """Take back every grant of `undo_command_id` that was not undone.

    Looks in the history that is in memory; `older` is what `entries_about` found before it, and
    may reach into it.
    """
    grants = _grants_to_undo(state, older, command.undo_command_id)
    if isinstance(grants, Rejection):
        return grants
    changes = NOTHING
    events: list[AnyEvent] = []
    for grant in grants:
        change, event = _take_back(state, command.command_id, grant, now, rules)
        changes = _joined(changes, change)
        events.append(event)
        # The version is that of the command, however many grants it takes back.
        state = replace(state.put(change), version=state.version)
    return Decision(changes, tuple(events))


def entries_about(entries: Iterable[HistoryEntry], command_id: str) -> tuple[HistoryEntry, ...]:
    """What an undo has to know out of `entries`, oldest first: this command's grants and every
    undo, as it may be one of theirs."""
    return tuple(
        entry for entry in entries if entry.undoes is not None or _is_grant_of(entry, command_id)
    )


def _grants_to_undo(
    state: UserState, older: tuple[HistoryEntry, ...], command_id: str
) -> list[HistoryEntry] | Rejection:
    """The grants of this command that were not undone, oldest first; at least one."""
    grants: dict[int, HistoryEntry] = {}
    undone_by = None
    known = {entry.sequence: entry for entry in (*older, *state.history)}
    for entry in entries_about(known.values(), command_id):
        if entry.undoes is None:
            grants[entry.sequence] = entry
        elif grants.pop(entry.undoes, None) is not None:
            undone_by = entry.command_id
    if grants:
        return list(grants.values())
    if undone_by is not None:
        return Rejection(
            Code.ALREADY_UNDONE,
            f"the grant of {command_id} was undone already by command {undone_by}",
        )
    return Rejection(
        Code.GRANT_NOT_FOUND,
        f"undo_command_id is {command_id}, which granted nothing to this user, expected the "
        f"command_id of an entry of the history that is a quest's, a battle's or a grant's",
    )


def _take_back(
    state: UserState, command_id: str, grant: HistoryEntry, now: int, rules: Rules
) -> tuple[Changes, GrantUndone]:
    """The rows without what `grant` gave, the entry that says so, and the event."""
    before = progression_of(state, rules)
    after = take_experience(before, grant.amount, now, rules)
    experience = before.total_xp - after.total_xp
    inventory, items, no_items = take(state.inventory, grant.items)
    wallet, currency, no_currency = take(state.wallet, grant.currency)
    affinity, thanks = take_affinity(state.affinity, grant.affinity)
    taken = Reward(experience or None, items, currency, thanks)
    missing = Reward(grant.amount - experience or None, no_items, no_currency)
    chapter = _ledger_of(state, grant)
    ledger = None if chapter is None else _without(chapter, grant, _tier_of(state, grant), now)
    entry = HistoryEntry(
        sequence=state.next_sequence,
        version=state.version + 1,
        command_id=command_id,
        at=now,
        source=grant.source,
        cause=Cause.UNDO,
        cause_id=command_id,
        planned=-experience,
        amount=-experience,
        level_before=before.level,
        level_after=after.level,
        rules=rules.fingerprint,
        chapter_id=None if chapter is None else chapter.chapter_id,
        items=negated(items),
        currency=negated(currency),
        affinity=negated(thanks),
        undoes=grant.sequence,
    )
    changes = Changes(
        player_progression=None if after is before else after,
        chapter_progression=() if ledger is None or ledger is chapter else (ledger,),
        inventory=inventory,
        wallet=wallet,
        affinity=affinity,
        history=(entry,),
    )
    gone = grant.chapter_id is not None and chapter is None
    return changes, GrantUndone(
        grant.command_id, grant.sequence, after.level, taken, missing, ledger_gone=gone
    )


def _ledger_of(state: UserState, grant: HistoryEntry) -> ChapterProgression | None:
    """The chapter whose ledger still holds `grant`; None when a newer plan began another."""
    chapter = None if grant.chapter_id is None else state.chapters.get(grant.chapter_id)
    return None if chapter is None or grant.version <= chapter.plan_version else chapter


def _tier_of(state: UserState, grant: HistoryEntry) -> Tier | None:
    battle = state.battle(grant.cause_id) if grant.cause is Cause.BATTLE else None
    return None if battle is None else battle.hostile.tier


def _without(
    chapter: ChapterProgression, grant: HistoryEntry, tier: Tier | None, now: int
) -> ChapterProgression:
    """`chapter` without the XP that `grant` booked in its ledger."""
    if grant.source is Source.QUEST:
        return take_from_ledger(chapter, grant.amount, 0, None, now)
    return take_from_ledger(chapter, 0, grant.amount, tier, now)


def _joined(first: Changes, second: Changes) -> Changes:
    """Both changes as one: rows as the second left them, the history of both."""
    chapters = {row.chapter_id: row for row in first.chapter_progression}
    chapters |= {row.chapter_id: row for row in second.chapter_progression}
    return Changes(
        player_progression=second.player_progression or first.player_progression,
        chapter_progression=tuple(chapters.values()),
        inventory=first.inventory | second.inventory,
        wallet=first.wallet | second.wallet,
        affinity=first.affinity | second.affinity,
        history=first.history + second.history,
    )


def _is_grant_of(entry: HistoryEntry, command_id: str) -> bool:
    return entry.command_id == command_id and entry.cause in _GRANTS

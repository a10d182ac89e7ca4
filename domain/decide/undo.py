"""Undo: what one command granted is taken back by another, as far as the user still has it.

The grant stays in the history; an entry of its own says that it was undone, so the sums hold.

Not for: quests, battles and defeats.  They happened: a turned-in quest stays turned in and a
defeat stays counted; only what they paid goes back.
"""

from collections.abc import Iterable

from domain.game.chapters import take_from_ledger
from domain.game.goods import negated, take, take_affinity
from domain.game.progression import progression_of, take_experience
from domain.messages.commands import UndoGrant
from domain.messages.decision import Decision
from domain.messages.events import GrantUndone
from domain.messages.rejections import Code, Rejection
from domain.rules.compiled_rules import Rules
from domain.state.history import Cause, HistoryEntry
from domain.state.rows import Reward, Source
from domain.state.user_state import Changes, UserState

_GRANTS = frozenset({Cause.QUEST, Cause.BATTLE, Cause.GRANT})


def undo_grant(
    state: UserState,
    command: UndoGrant,
    now: int,
    rules: Rules,
    older: tuple[HistoryEntry, ...] = (),
) -> Decision | Rejection:
    """Take back what `undo_command_id` granted.

    Looks in the history that is in memory; `older` is what `grant_among` found beyond it.
    """
    entry = _find(state, older, command.undo_command_id)
    if isinstance(entry, Rejection):
        return entry
    before = progression_of(state, rules)
    after = take_experience(before, entry.amount, now, rules)
    experience = before.total_xp - after.total_xp
    inventory, items, no_items = take(state.inventory, entry.items)
    wallet, currency, no_currency = take(state.wallet, entry.currency)
    affinity, thanks = take_affinity(state.affinity, entry.affinity)
    chapter = None if entry.chapter_id is None else state.chapters.get(entry.chapter_id)
    is_quest = entry.source is Source.QUEST
    battle = state.battles.get(entry.cause_id) if entry.cause is Cause.BATTLE else None
    ledger = chapter and take_from_ledger(
        chapter,
        entry.amount if is_quest else 0,
        0 if is_quest else entry.amount,
        None if battle is None else battle.hostile.tier,
        now,
    )
    taken = Reward(experience or None, items, currency, thanks)
    missing = Reward(entry.amount - experience or None, no_items, no_currency)
    levels = (before.level, after.level)
    changes = Changes(
        player_progression=None if after is before else after,
        chapter_progression=(ledger,) if ledger and ledger is not chapter else (),
        inventory=inventory,
        wallet=wallet,
        affinity=affinity,
        history=(_undo_entry(state, command, entry, taken, levels, now, rules),),
    )
    undone = GrantUndone(entry.command_id, entry.sequence, after.level, taken, missing)
    return Decision(changes, (undone,))


def reaches_beyond(state: UserState, command_id: str) -> bool:
    """Whether only entries that have left memory can tell what this command granted."""
    if state.history_stored_through == 0:
        return False
    return not any(_is_grant_of(entry, command_id) for entry in state.history)


def grant_among(
    newest_first: Iterable[HistoryEntry], command_id: str
) -> tuple[HistoryEntry, ...] | None:
    """The newest grant of this command and, behind it, the entry that undid it if there is one.

    `newest_first` must begin with the newest entry there is; None when the grant is not in it.
    """
    undone = {}
    for entry in newest_first:
        if entry.undoes is not None:
            undone[entry.undoes] = entry
        if _is_grant_of(entry, command_id):
            later = undone.get(entry.sequence)
            return (entry,) if later is None else (entry, later)
    return None


def _undo_entry(
    state: UserState,
    command: UndoGrant,
    entry: HistoryEntry,
    taken: Reward,
    levels: tuple[int, int],
    now: int,
    rules: Rules,
) -> HistoryEntry:
    """The entry that marks `entry` as undone: what was taken, as amounts below 0."""
    experience = -(taken.experience or 0)
    return HistoryEntry(
        sequence=state.next_sequence,
        version=state.version + 1,
        command_id=command.command_id,
        at=now,
        source=entry.source,
        cause=Cause.UNDO,
        cause_id=command.command_id,
        planned=experience,
        amount=experience,
        level_before=levels[0],
        level_after=levels[1],
        rules=rules.fingerprint,
        chapter_id=entry.chapter_id,
        items=negated(taken.items),
        currency=negated(taken.currency),
        affinity=negated(taken.affinity),
        undoes=entry.sequence,
    )


def _find(
    state: UserState, older: tuple[HistoryEntry, ...], command_id: str
) -> HistoryEntry | Rejection:
    """The newest grant of this command, which must not have been undone."""
    entries = grant_among(reversed((*older, *state.history)), command_id)
    if entries is None:
        return Rejection(
            Code.GRANT_NOT_FOUND,
            f"undo_command_id is {command_id}, which granted nothing to this user, expected the "
            f"command_id of an entry of the history that is a quest's, a battle's or a grant's",
        )
    for later in entries[1:]:
        return Rejection(
            Code.ALREADY_UNDONE,
            f"the grant of {command_id} was undone already by command {later.command_id}",
        )
    return entries[0]


def _is_grant_of(entry: HistoryEntry, command_id: str) -> bool:
    return entry.command_id == command_id and entry.cause in _GRANTS

"""Decide: what a command does to a user, in one transaction.  Pure: changes and reads nothing.

    (state, command, now, rules) -> Decision (rows after, events) | Rejection

Combat, quests, progression and chapters know nothing of each other [seed].  They meet here and in
the modules beside this one, one for each of them, and nowhere else.
"""

from typing import assert_never

from domain.decide.battles import resolve_combat_action, start_battle
from domain.decide.chapters import apply_ledger_entry, compile_story, upsert_chapter
from domain.decide.progression import acknowledge, grant_experience, rebase
from domain.decide.quests import abandon_quest, offer_quest, record_signal, turn_in_quest
from domain.decide.undo import undo_grant
from domain.messages.commands import (
    AbandonQuest,
    AcknowledgeLevelUps,
    ApplyChapterLedgerEntry,
    Command,
    CompileChapters,
    GrantExperience,
    OfferQuest,
    RebaseProgression,
    RecordSignal,
    ResolveCombatAction,
    StartBattle,
    TurnInQuest,
    UndoGrant,
    UpsertChapter,
)
from domain.messages.decision import Decision
from domain.messages.rejections import Rejection
from domain.rules.compiled_rules import Rules
from domain.state.history import HistoryEntry
from domain.state.user_state import UserState


def decide(
    state: UserState,
    command: Command,
    now: int,
    rules: Rules,
    older: tuple[HistoryEntry, ...] = (),
) -> Decision | Rejection:
    """What `command` does to `state` at `now` (microseconds) under `rules`.

    `older` are entries of the history that have left `state`, for an undo: see there.
    A decision without changes writes nothing and leaves no receipt: asking again asks anew.
    """
    match command:
        case TurnInQuest():
            return turn_in_quest(state, command, now, rules)
        case ResolveCombatAction():
            return resolve_combat_action(state, command, now, rules)
        case RecordSignal():
            return record_signal(state, command, now)
        case GrantExperience():
            return grant_experience(state, command, now, rules)
        case OfferQuest():
            return offer_quest(state, command, now, rules)
        case StartBattle():
            return start_battle(state, command, now, rules)
        case AcknowledgeLevelUps():
            return acknowledge(state, now)
        case AbandonQuest():
            return abandon_quest(state, command, now)
        case UpsertChapter():
            return upsert_chapter(state, command, now, rules)
        case CompileChapters():
            return compile_story(state, command, now, rules)
        case ApplyChapterLedgerEntry():
            return apply_ledger_entry(state, command, now)
        case UndoGrant():
            return undo_grant(state, command, now, rules, older)
        case RebaseProgression():
            return rebase(state, command, now, rules)
        case _:
            assert_never(command)

"""What commands about quests do: offer, signal, turn in, abandon.

Not for: the life of a quest (`quests`) or what it pays (`rewards`).
"""

from domain.game import quests
from domain.game.loot import unknown_tables
from domain.game.rewards import Grant, pay_out
from domain.messages.commands import AbandonQuest, OfferQuest, RecordSignal, TurnInQuest
from domain.messages.decision import NO_CHANGE, Decision
from domain.messages.events import (
    AnyEvent,
    QuestAbandoned,
    QuestOffered,
    QuestProgressed,
    QuestReady,
    QuestTurnedIn,
)
from domain.messages.rejections import Code, Rejection
from domain.rules.compiled_rules import Rules
from domain.state.history import Cause
from domain.state.rows import QuestRecord, QuestStatus, Source
from domain.state.user_state import Changes, UserState


def offer_quest(
    state: UserState, command: OfferQuest, now: int, rules: Rules
) -> Decision | Rejection:
    """Add a quest under a new id.  Loot tables that it names must be in the rules."""
    if (refusal := unknown_tables(command.reward.loot, rules)) is not None:
        return refusal
    quest = quests.offer_quest(state.user_id, state.quest(command.quest_id), command, now)
    if isinstance(quest, Rejection):
        return quest
    return Decision(Changes(quest_record=(quest,)), (QuestOffered(quest.quest_id),))


def turn_in_quest(
    state: UserState, command: TurnInQuest, now: int, rules: Rules
) -> Decision | Rejection:
    """First the quest is turned in, then it pays [seed]."""
    quest = state.quest(command.quest_id)
    if quest is None:
        return _no_quest(command.quest_id)
    after = quests.turn_in_quest(quest, now)
    if isinstance(after, Rejection):
        return after
    grant = Grant(
        command_id=command.command_id,
        cause=Cause.QUEST,
        cause_id=after.quest_id,
        source=Source.QUEST,
        planned=after.reward.experience or 0,
        chapter_id=after.chapter_id,
        goods=after.reward,
    )
    return pay_out(state, grant, (QuestTurnedIn(after.quest_id),), now, rules, (after,))


def abandon_quest(state: UserState, command: AbandonQuest, now: int) -> Decision | Rejection:
    """Give a quest up; one that was turned in is refused, one given up already stays."""
    quest = state.quest(command.quest_id)
    if quest is None:
        return _no_quest(command.quest_id)
    after = quests.abandon_quest(quest, now)
    if isinstance(after, Rejection):
        return after
    if after is quest:
        return NO_CHANGE
    return Decision(Changes(quest_record=(after,)), (QuestAbandoned(after.quest_id),))


def record_signal(state: UserState, command: RecordSignal, now: int) -> Decision:
    """Every quest that asks for the signal; a signal that nobody asks for changes nothing."""
    moved, events = signalled(state, command.kind, command.target, command.count, now)
    return Decision(Changes(quest_record=moved), events) if moved else NO_CHANGE


def signalled(
    state: UserState, kind: str, target: str, count: int, now: int
) -> tuple[tuple[QuestRecord, ...], tuple[AnyEvent, ...]]:
    """The quests that a signal moves, and what it did to each; also what a victory calls."""
    moved: list[QuestRecord] = []
    events: list[AnyEvent] = []
    for quest in state.open_quests.asking_for(target):
        after = quests.record_signal(quest, kind, target, count, now)
        if after is quest:
            continue
        moved.append(after)
        for objective, before in zip(after.objectives, quest.objectives, strict=True):
            if objective is not before:
                events.append(
                    QuestProgressed(
                        quest.quest_id, kind, target, objective.current, objective.required
                    )
                )
        if after.status is QuestStatus.READY_TO_TURN_IN:
            events.append(QuestReady(quest.quest_id))
    return tuple(moved), tuple(events)


def _no_quest(quest_id: str) -> Rejection:
    return Rejection(Code.QUEST_NOT_FOUND, f"quest_id is {quest_id}, which was never offered")

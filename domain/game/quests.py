"""Quests: offered, moved by signals, handed in, given up.  Knows nothing of progression [seed]."""

from msgspec.structs import replace

from domain.messages.commands import OfferQuest
from domain.messages.rejections import Code, Rejection
from domain.state.rows import Objective, QuestRecord, QuestStatus, Reward


def offer_quest(
    user_id: str, before: QuestRecord | None, offer: OfferQuest, now: int
) -> QuestRecord | Rejection:
    """The new quest's row.  Without objectives it is ready to turn in at once."""
    if before is not None:
        return Rejection(
            Code.QUEST_EXISTS,
            f"quest_id {offer.quest_id} is taken (quest is {before.status}), expected a new id",
        )
    if (refusal := _equal_objectives(offer)) is not None:
        return refusal
    return QuestRecord(
        quest_id=offer.quest_id,
        user_id=user_id,
        chapter_id=offer.chapter_id,
        status=QuestStatus.ACTIVE if offer.objectives else QuestStatus.READY_TO_TURN_IN,
        objectives=tuple(
            Objective(
                kind=objective.kind, target=objective.target, required=objective.required, current=0
            )
            for objective in offer.objectives
        ),
        reward=Reward(
            experience=offer.reward.experience,
            items=offer.reward.items,
            currency=offer.reward.currency,
            affinity=offer.reward.affinity,
            loot=offer.reward.loot,
        ),
        created_at=now,
        updated_at=now,
    )


def _equal_objectives(offer: OfferQuest) -> Rejection | None:
    """The refusal of a quest that asks for the same thing twice: no signal could tell which."""
    places: dict[tuple[str, str], int] = {}
    for place, objective in enumerate(offer.objectives):
        first = places.setdefault((objective.kind, objective.target), place)
        if first != place:
            return Rejection(
                Code.INVALID_FIELD,
                f"objectives[{place}] is {objective.kind} of {objective.target}, as "
                f"objectives[{first}] is, expected another kind or target",
            )
    return None


def record_signal(quest: QuestRecord, kind: str, target: str, count: int, now: int) -> QuestRecord:
    """`quest` with every open objective of this kind and target moved by `count`, at most to full.

    With the last objective met it is ready to turn in.  The same row when nothing moved.
    """
    if quest.status is not QuestStatus.ACTIVE:
        return quest
    moved = tuple(
        replace(objective, current=min(objective.current + count, objective.required))
        if objective.kind == kind
        and objective.target == target
        and objective.current < objective.required
        else objective
        for objective in quest.objectives
    )
    if all(after is before for after, before in zip(moved, quest.objectives, strict=True)):
        return quest
    ready = all(objective.current == objective.required for objective in moved)
    status = QuestStatus.READY_TO_TURN_IN if ready else QuestStatus.ACTIVE
    return replace(quest, status=status, objectives=moved, updated_at=now)


def turn_in_quest(quest: QuestRecord, now: int) -> QuestRecord | Rejection:
    """The quest as turned in; only one that is ready can be [seed]."""
    match quest.status:
        case QuestStatus.READY_TO_TURN_IN:
            return replace(quest, status=QuestStatus.TURNED_IN, updated_at=now)
        case QuestStatus.TURNED_IN:
            return Rejection(
                Code.QUEST_ALREADY_TURNED_IN,
                f"quest {quest.quest_id} was turned in already and pays once",
            )
        case QuestStatus.ACTIVE | QuestStatus.ABANDONED:
            return Rejection(
                Code.QUEST_NOT_READY,
                f"quest {quest.quest_id} is {quest.status}, expected ready_to_turn_in",
            )


def abandon_quest(quest: QuestRecord, now: int) -> QuestRecord | Rejection:
    """The quest as given up; the same row when it was already."""
    match quest.status:
        case QuestStatus.ACTIVE | QuestStatus.READY_TO_TURN_IN:
            return replace(quest, status=QuestStatus.ABANDONED, updated_at=now)
        case QuestStatus.ABANDONED:
            return quest
        case QuestStatus.TURNED_IN:
            return Rejection(
                Code.QUEST_ALREADY_TURNED_IN,
                f"quest {quest.quest_id} was turned in already, expected one that is still open",
            )

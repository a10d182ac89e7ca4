"""Open quests: those of a user that may still pay, and which of them ask for what.

A signal looks at the quests that have an objective about its target and at no others, so it costs
what it moves, however many quests are open.

Not for: what a signal does to a quest (`domain.game.quests`), or settled quests (`user_state`).
"""

from collections.abc import Iterator

from msgspec import Struct

from domain.state.persistent_map import PersistentMap
from domain.state.rows import QuestRecord


class OpenQuests(Struct, frozen=True):
    """The open quests of one user.

    `by_target` has the ids of those with an objective about a target, in the order in which they
    were offered; `objectives` counts those of all quests, met ones among them.
    """

    rows: PersistentMap[QuestRecord] = PersistentMap()
    by_target: PersistentMap[tuple[str, ...]] = PersistentMap()
    objectives: int = 0

    def put(self, quests: tuple[QuestRecord, ...]) -> "OpenQuests":
        """The next ones: `quests` in place of those with their ids, settled ones taken out."""
        if not quests:
            return self
        if len(quests) == 1 and not quests[0].objectives:
            kept = quests[0] if quests[0].status.open else None
            return OpenQuests(
                self.rows.put_row(quests[0].quest_id, kept), self.by_target, self.objectives
            )
        rows: dict[str, QuestRecord | None] = {}
        targets: dict[str, tuple[str, ...]] = {}
        objectives = self.objectives
        for quest in quests:
            key, is_open = quest.quest_id, quest.status.open
            rows[key] = quest if is_open else None
            if not quest.objectives or is_open is (key in self.rows):
                continue
            objectives += len(quest.objectives) if is_open else -len(quest.objectives)
            for target in {objective.target: None for objective in quest.objectives}:
                ids = targets[target] if target in targets else self.by_target.get(target, ())
                targets[target] = (
                    (*ids, key) if is_open else tuple(other for other in ids if other != key)
                )
        by_target = self.by_target
        if targets:
            by_target = by_target.put({target: ids or None for target, ids in targets.items()})
        return OpenQuests(self.rows.put(rows), by_target, objectives)

    def asking_for(self, target: str) -> Iterator[QuestRecord]:
        """Those with an objective about `target`, the first offered first."""
        return map(self.rows.__getitem__, self.by_target.get(target, ()))

    def __len__(self) -> int:
        return self.rows.length


class OpenQuestsBuilder:
    """Makes open quests one by one, for whoever reads many of them."""

    def __init__(self) -> None:
        self._rows: dict[str, QuestRecord] = {}
        self._ids: dict[str, tuple[str, ...]] = {}
        self._objectives = 0

    def add(self, quest: QuestRecord) -> None:
        """One more, which is open."""
        self._rows[quest.quest_id] = quest
        self._objectives += len(quest.objectives)
        for target in {objective.target: None for objective in quest.objectives}:
            self._ids[target] = (*self._ids.get(target, ()), quest.quest_id)

    def open_quests(self) -> OpenQuests:
        """All that were added."""
        return OpenQuests(PersistentMap(self._rows), PersistentMap(self._ids), self._objectives)

"""Generator, in Jepsen's sense: seeded, mixed, mostly valid commands of one user.

Each generator names quests, battles and chapters of its own, so that the outcome of its commands
does not depend on who else asks for the same user.

Not for: sending them (`clients`).
"""

import random
from typing import Any

Fields = dict[str, Any]


class Generator:
    """One client's commands for one user.  `name` is unique among all generators."""

    def __init__(self, user_id: str, name: str, dice: random.Random) -> None:
        self.user_id = user_id
        self.asked = 0
        self._name = name
        self._dice = dice
        self._ready: list[str] = []
        self._done: list[str] = []
        self._battles: list[str] = []
        self._chapters: list[str] = []

    def next(self) -> Fields:
        """The next command."""
        self.asked += 1
        fields = self._fields(self._dice.random())
        return {"command_id": f"{self._name}-{self.asked}", **fields}

    def _fields(self, chance: float) -> Fields:
        if not self._chapters or chance < 0.03:
            return self._plan()
        if self._ready and chance < 0.35:
            quest_id = self._ready.pop()
            self._done.append(quest_id)
            return {"type": "turn_in_quest", "quest_id": quest_id}
        if self._battles and chance < 0.5:
            return {
                "type": "resolve_combat_action",
                "battle_id": self._battles.pop(),
                "action": "attack",
            }
        if chance < 0.7:
            return self._offer()
        if chance < 0.8:
            return self._battle()
        return self._rest(chance)

    def _rest(self, chance: float) -> Fields:
        if chance < 0.84:
            return {
                "type": "apply_chapter_progression_ledger_entry",
                "chapter_id": self._dice.choice(self._chapters),
                "granted_quest_xp": self._dice.randint(0, 9),
                "granted_hostile_xp": self._dice.randint(0, 9),
                "hostile_defeat_increment": self._dice.randint(0, 2),
            }
        if self._done and chance < 0.88:  # a second turn-in: refused
            return {"type": "turn_in_quest", "quest_id": self._dice.choice(self._done)}
        if chance < 0.9:
            return {"type": "acknowledge_level_ups"}
        amount = 0 if chance < 0.91 else self._dice.randint(1, 300)
        return {"type": "grant_player_progression_experience", "amount": amount}

    def _offer(self) -> Fields:
        quest_id = f"{self._name}-q{self.asked}"
        self._ready.append(quest_id)
        return {
            "type": "offer_quest",
            "quest_id": quest_id,
            "chapter_id": self._dice.choice(self._chapters),
            "reward": {"experience": self._dice.randint(1, 90), "currency": {"gold": 1}},
        }

    def _battle(self) -> Fields:
        battle_id = f"{self._name}-b{self.asked}"
        self._battles.append(battle_id)
        return {
            "type": "start_battle",
            "battle_id": battle_id,
            "chapter_id": self._dice.choice(self._chapters),
            "hostile": {"hostile_id": f"wolf-{self.asked}", "strength": 1},
            "experience_reward": self._dice.randint(1, 90),
        }

    def _plan(self) -> Fields:
        if len(self._chapters) < 3:
            self._chapters.append(f"{self._name}-c{len(self._chapters)}")
        index = self._dice.randint(1, 3)
        return {
            "type": "upsert_chapter_progression",
            "chapter_id": self._dice.choice(self._chapters),
            "chapter_index": index,
            "total_chapters": 3,
            "entry_pseudo_level_millis": index * 1000,
            "exit_pseudo_level_millis": index * 1000 + 1000,
            "entry_level": index,
            "exit_level": index + 1,
            "planned_total_xp": 1000,
            "planned_quest_xp": 600,
            "planned_hostile_xp": 400,
            "expected_hostile_defeat_count": 10,
            "pace_band": "steady",
        }

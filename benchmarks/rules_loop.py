"""The rules alone: turn-ins a second of one core, with no server, no bytes and no storage.

python -m benchmarks.rules_loop
"""

import time
from pathlib import Path

from benchmarks.users.dataset import (
    CHAPTER_ID,
    CHAPTER_PLAN,
    EXPERIENCE,
    RULES_FILE,
    quest_id,
    user_id,
)
from domain.decide.dispatch import decide
from domain.messages.commands import Command, decode_command
from domain.messages.rejections import Rejection
from domain.rules.compiled_rules import Rules, compile_rules
from domain.state.user_state import UserState

USERS = 1_000
QUESTS = 20


def turn_ins_per_second(seconds: float, rules_file: Path = RULES_FILE) -> float:
    """How many turn-ins `domain.decide` makes of fresh quests, each put into the user's state."""
    rules = compile_rules(rules_file.read_text(encoding="utf-8"))
    seeded = [_seeded(number, rules) for number in range(USERS)]
    commands = [
        decode_command({"command_id": "one", "type": "turn_in_quest", "quest_id": quest_id(number)})
        for number in range(QUESTS)
    ]
    done, spent = 0, 0.0
    while spent < seconds:
        states = list(seeded)
        began = time.perf_counter()
        for command in commands:
            for number, state in enumerate(states):
                states[number] = _after(state, command, rules)
        spent += time.perf_counter() - began
        done += USERS * QUESTS
    return done / spent


def _seeded(number: int, rules: Rules) -> UserState:
    plan = {"type": "upsert_chapter_progression", "command_id": "plan", "chapter_id": CHAPTER_ID}
    state = _after(UserState(user_id(number)), decode_command({**plan, **CHAPTER_PLAN}), rules)
    for quest in range(QUESTS):
        offer = {"type": "offer_quest", "command_id": f"offer-{quest}", "chapter_id": CHAPTER_ID}
        offer |= {"quest_id": quest_id(quest)}
        reward = {"reward": {"experience": EXPERIENCE}}
        state = _after(state, decode_command({**offer, **reward}), rules)
    return state


def _after(state: UserState, command: Command, rules: Rules) -> UserState:
    decision = decide(state, command, 1, rules)
    assert not isinstance(decision, Rejection)
    return state.put(decision.changes)


if __name__ == "__main__":
    print(turn_ins_per_second(2.0))

"""Vectors of the four rules that clients predict: rows, a command, and what the server decides.

A seed gives the same vectors on every machine. Rules are the presets, and small ones with loot and
with each rule that shapes experience; rows are any that a store could hold, extremes among them.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import asdict
from functools import cache
from typing import Any

import msgspec

from domain.decide.dispatch import decide
from domain.messages.commands import (
    AbandonQuest,
    AcknowledgeLevelUps,
    Command,
    ResolveCombatAction,
    TurnInQuest,
)
from domain.messages.decision import Decision
from domain.messages.rejections import Code, Rejection
from domain.rules.compiled_rules import Rules, compile_rules
from domain.rules.document import rules_document
from domain.rules.load import preset_text, presets
from domain.state.rows import (
    INTEGER_MAX,
    BattleMode,
    BattleOutcome,
    BattleState,
    ChapterProgression,
    Fighter,
    Hostile,
    Objective,
    PaceBand,
    PlayerProgression,
    QuestRecord,
    QuestStatus,
    Reward,
    Source,
    Tier,
    TierLedger,
)
from domain.state.user_state import Changes, UserState
from tests.domain.rules_kit import small_text
from tests.domain.table_kit import CASES

NOW = 1_700_000_000_000_000
HIDDEN = ("history", "repeat_tally")
"""What clients are not shown, and so cannot predict."""
KILLS = "[penalties.level_difference.kills]\nkind = "
QUESTS = "[penalties.level_difference.quests]\nkind = "
DIFFERENCES = (
    '"grey_kill"',
    '"grey_quest"\nrounded = true\nfloor_permille = 150',
    '"gap_table"\nabove_permille = [1100, 1300]\nbelow_permille = [900, 500, 0]',
    '"band5"\nratio_from_level = 3',
    '"bonus_up"',
    '"ratio"',
    '"ratio"\nexponent = "7/3"\noffset = 3\nplus = 0',
    '"safe_zone"\nsafe_base = 0\nfloor_permille = 20',
    '"con"',
    '"stages"\n'
    "stages = [{ through_level = 2, permille = 2500 }, { through_level = 9, permille = 7 }]",
)
DECAY = '[penalties.over_budget]\nkind = "decay"\n'
REPEAT = '[penalties.repeat]\nkind = "first_only"\nscope = "day"\n'


@cache
def rules_in_turn() -> tuple[Rules, ...]:
    """Every rule that can shape a prediction is in one of them."""
    loot = (CASES / "loot.toml").read_text(encoding="utf-8")
    shaped = [
        small_text(f"{loot}\n{KILLS}{kills}\n{QUESTS}{quests}\n{more}")
        for kills, quests, more in zip(
            DIFFERENCES, reversed(DIFFERENCES), (DECAY, "") * 5, strict=True
        )
    ]
    texts = [*map(preset_text, presets()), *shaped, small_text(loot + "\n" + REPEAT)]
    return tuple(map(compile_rules, texts))


def vectors(seed: int, count: int) -> Iterator[dict[str, Any]]:
    """`rules` is the place in `rules_in_turn`; `expected` a decision, a code, or null."""
    for number in range(count):
        dice = random.Random(f"{seed}/{number}")
        place = number % len(rules_in_turn())
        rules = rules_in_turn()[place]
        state = _state(dice, rules)
        command = _command(dice)
        yield {
            "rules": place,
            "state": _shown(state),
            "command": asdict(command),
            "now": NOW,
            "expected": _expected(state, command, rules),
        }


def documents() -> list[dict[str, Any]]:
    """The rules as the server shows them."""
    return [rules_document(rules) for rules in rules_in_turn()]


def _expected(state: UserState, command: Command, rules: Rules) -> dict[str, Any] | None:
    decision = decide(state, command, NOW, rules)
    if _pays_by_counts(state, command, decision, rules):
        return None
    if isinstance(decision, Rejection):
        return {"code": str(decision.code)}
    changes = msgspec.to_builtins(decision.changes)
    shown = {name: rows for name, rows in changes.items() if name not in HIDDEN}
    return {"changes": shown, "events": msgspec.to_builtins(decision.events)}


def _pays_by_counts(
    state: UserState, command: Command, decision: Decision | Rejection, rules: Rules
) -> bool:
    """Whether the worth of a victory hangs on defeats that were counted, which nobody is shown."""
    if rules.penalties.repeat.kind == "none" or not isinstance(command, ResolveCombatAction):
        return False
    battle = state.battles.get(command.battle_id)
    if battle is None or not battle.experience_reward:
        return False
    if isinstance(decision, Rejection):
        return decision.code is Code.INVALID_FIELD
    return decision.changes.battle_state[0].outcome is BattleOutcome.VICTORY


def _shown(state: UserState) -> dict[str, Any]:
    """The members of a `state` frame."""
    rows: dict[str, Any] = {
        "type": "state",
        "era": "e1",
        "version": 1,
        "chapter_progression": list(state.chapters.values()),
        "quest_record": list(state.quests.values()),
        "battle_state": list(state.battles.values()),
        **{name: dict(getattr(state, name)) for name in ("inventory", "wallet", "affinity")},
    }
    if state.player_progression is not None:
        rows["player_progression"] = state.player_progression
    built: dict[str, Any] = json.loads(msgspec.json.encode(rows))
    return built


def _command(dice: random.Random) -> Command:
    match dice.randrange(8):
        case 0:
            return AcknowledgeLevelUps(command_id="c-1")
        case 1:
            return AbandonQuest(
                command_id="c-1", quest_id=f"q-{dice.choice((0, 0, 1, 1, 2, 2, 3))}"
            )
        case 2 | 3 | 4:
            return TurnInQuest(command_id="c-1", quest_id=f"q-{dice.choice((0, 0, 1, 1, 2, 2, 3))}")
        case _:
            battle = f"b-{dice.choice((0, 0, 1, 1, 2))}"
            action = dice.choice(("attack", "attack", "skill", "guard", "escape", "yield"))
            return ResolveCombatAction(command_id="c-1", battle_id=battle, action=action)


def _state(dice: random.Random, rules: Rules) -> UserState:
    changes = Changes(
        player_progression=_progression(dice, rules) if dice.random() < 0.9 else None,
        chapter_progression=tuple(_chapter(dice, number) for number in range(2)),
        quest_record=tuple(_quest(dice, number, rules) for number in range(3)),
        battle_state=tuple(_battle(dice, number, rules) for number in range(2)),
        inventory=_amounts(dice, ("sword", "pelt")),
        wallet=_amounts(dice, ("gold",)),
        affinity=_amounts(dice, ("mei",)),
    )
    return UserState("alice", era="e1").put(changes)


def _progression(dice: random.Random, rules: Rules) -> PlayerProgression:
    level = dice.randint(1, rules.level_cap + 1)
    cost = rules.xp_to_next(level)
    into = dice.randrange(cost) if cost else 0
    total = INTEGER_MAX if dice.random() < 0.03 else rules.levels[min(level, rules.level_cap) - 1]
    return PlayerProgression(
        user_id="alice",
        level=level,
        current_level_xp=into,
        total_xp=total if isinstance(total, int) else total.cumulative_xp + into,
        xp_to_next_level=cost,
        pending_level_ups=dice.choice((0, 0, 1, 7)),
        last_granted_source=dice.choice((None, Source.QUEST)),
        created_at=dice.choice((0, 5)),
        updated_at=5,
    )


def _chapter(dice: random.Random, number: int) -> ChapterProgression:
    entry = dice.randint(1000, 9000)
    planned = dice.choice((0, 300, 5_000, INTEGER_MAX))
    quest_xp = dice.randint(0, planned)
    tiers = [
        TierLedger(tier, dice.randrange(5_000), dice.randrange(5_000), 9, dice.randrange(12))
        for tier in dice.sample(list(Tier), dice.randrange(3))
    ]
    return ChapterProgression(
        chapter_progression_id=f"alice/ch-{number}",
        user_id="alice",
        chapter_id=f"ch-{number}",
        chapter_index=1,
        total_chapters=2,
        entry_pseudo_level_millis=entry,
        exit_pseudo_level_millis=entry + dice.randrange(4_000),
        entry_level=1,
        exit_level=3,
        planned_total_xp=planned,
        planned_quest_xp=quest_xp,
        planned_hostile_xp=planned - quest_xp,
        actual_quest_xp=_amount(dice),
        actual_hostile_xp=_amount(dice),
        expected_hostile_defeat_count=9,
        actual_hostile_defeat_count=dice.choice((0, 4, 8, INTEGER_MAX)),
        level_at_entry=1,
        level_at_exit=dice.choice((None, 1, 2, 3)),
        pace_band=PaceBand.STEADY,
        created_at=1,
        updated_at=2,
        hostile_tiers=tuple(tiers),
        plan_version=1,
    )


def _quest(dice: random.Random, number: int, rules: Rules) -> QuestRecord:
    ready = QuestStatus.READY_TO_TURN_IN
    status = dice.choice((*[ready] * 5, *[QuestStatus.ACTIVE] * 3, *QuestStatus))
    objectives = tuple(
        Objective(kind, target, dice.randint(2, 3), dice.randrange(2))
        for kind, target in (("defeat", "wolf"), ("defeat", "bat"), ("find", "wolf"))
        if dice.random() < 0.5
    )
    reward = _reward(
        dice, rules, dice.choice((None, 0, 120, dice.randrange(20_000), _amount(dice)))
    )
    return QuestRecord(f"q-{number}", "alice", _chapter_id(dice), status, objectives, reward, 3, 4)


def _battle(dice: random.Random, number: int, rules: Rules) -> BattleState:
    most = dice.choice((40, 900, 10**12, INTEGER_MAX))
    strength, hp = dice.randint(1, most), dice.randint(1, most)
    hostile = Hostile(
        dice.choice(("wolf", "bat")),
        dice.choice(list(Tier)),
        dice.randint(1, 12),
        1500,
        strength,
        strength,
        dice.randrange(strength + 1),
        hp,
        dice.choice((hp, 1, 1 + hp // 3)),
    )
    power = dice.randint(1, most)
    player = Fighter(3, power, power, dice.randrange(power + 1), hp, dice.randint(1, hp))
    outcome = dice.choice((BattleOutcome.ONGOING,) * 9 + (BattleOutcome.VICTORY,))
    return BattleState(
        f"b-{number}",
        "alice",
        _chapter_id(dice),
        dice.choice((BattleMode.FIGHT, BattleMode.FIGHT, BattleMode.SPAR)),
        hostile,
        player,
        dice.randrange(50),
        outcome,
        dice.choice((0, 77, dice.randrange(20_000), 10**9)),
        3,
        4,
        _reward(dice, rules, None),
    )


def _reward(dice: random.Random, rules: Rules, experience: int | None) -> Reward:
    tables = dice.sample([*rules.loot, "gone"], 1) if dice.random() < 0.5 else []
    return Reward(
        experience,
        _amounts(dice, ("sword", "potion")),
        _amounts(dice, ("gold", "gems")),
        {name: dice.choice((-1, 1)) * held for name, held in _amounts(dice, ("mei",)).items()},
        {name: dice.randint(1, 3) for name in tables},
    )


def _amounts(dice: random.Random, names: tuple[str, ...]) -> dict[str, int]:
    return {name: _amount(dice) for name in names if dice.random() < 0.4}


def _amount(dice: random.Random) -> int:
    most = INTEGER_MAX if dice.random() < 0.05 else dice.choice((3, 50, 10_000))
    return dice.randint(1, most)


def _chapter_id(dice: random.Random) -> str | None:
    return dice.choice((None, "ch-0", "ch-1", "ch-2"))

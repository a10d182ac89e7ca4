"""Damage and dice: the numbers themselves.  What a battle's end pays is in the tables."""

import pytest

from domain.game.combat import damage, resolve_combat_action
from domain.game.profiles import player_profile
from domain.messages.command_parts import EXPERIENCE_REWARD_MAX
from domain.messages.rejections import Rejection
from domain.rules.compiled_rules import compile_rules
from domain.state.rows import INTEGER_MAX, BattleState
from tests.domain import table_kit
from tests.domain.script_kit import DEFAULT, NEW, given
from tests.domain.table_kit import CASES

# attack^2 / (attack + defense), times stance and roll in thousandths, rounded down, at least 1
DAMAGE = """
case                                  | attack | defense | stance | roll | damage
--------------------------------------|--------|---------|--------|------|-------
no defense takes the whole attack     | 10     | 0       | 1000   | 1000 | 10
an equal takes half                   | 10     | 10      | 1000   | 1000 | 5
half of an odd attack is rounded down | 11     | 11      | 1000   | 1000 | 5
a third of the attack                 | 100    | 200     | 1000   | 1000 | 33
a strong stance                       | 10     | 10      | 1600   | 1000 | 8
a weak stance                         | 10     | 10      | 500    | 1000 | 2
a low roll                            | 100    | 100     | 1000   | 850  | 42
a high roll                           | 100    | 100     | 1000   | 1150 | 57
stance and roll multiply              | 100    | 100     | 1600   | 1150 | 92
rounded once, not after each factor   | 3      | 3       | 1500   | 900  | 2
the least attack                      | 1      | 1       | 1000   | 1000 | 1
a hopeless attack still scratches     | 1      | 1000000 | 1000   | 1000 | 1
a stance of 0 still scratches         | 100    | 0       | 0      | 1000 | 1
a roll of 0 still scratches           | 100    | 0       | 1000   | 0    | 1
at most what 53 bits hold             | 1000000000000000 | 0 | 999999 | 999999 | 9007199254740991
"""


@pytest.mark.parametrize("row", table_kit.params(DAMAGE))
def test_damage_is_what_the_formula_says(row: dict[str, str]) -> None:
    attack, defense, stance, roll, expected = map(int, list(row.values())[1:])
    assert damage(attack, defense, stance, roll) == expected


def opened(battle_id: str = "b", strength: int = 1000) -> BattleState:
    return given(f"start {battle_id} hostile.strength={strength}", DEFAULT).battles[battle_id]


def fought(battle: BattleState, *actions: str) -> list[tuple[int, int]]:
    """Damage dealt and taken, turn by turn."""
    numbers = []
    for now, action in enumerate(actions, start=100):
        resolved = resolve_combat_action(battle, action, now, DEFAULT.combat)  # type: ignore[arg-type]
        assert not isinstance(resolved, Rejection)
        battle, turn = resolved
        numbers.append((turn.damage_dealt, turn.damage_taken))
    return numbers


def test_a_replay_gives_the_same_numbers_whatever_the_time() -> None:
    battle = opened(strength=25)
    late = opened(strength=25)
    assert fought(battle, "attack", "skill", "guard") == fought(late, "attack", "skill", "guard")


def test_the_dice_of_a_battle_are_the_same_in_every_version() -> None:
    numbers = fought(opened(strength=25), "attack", "attack", "skill", "guard")
    assert numbers == [(11, 17), (12, 18), (19, 27), (6, 8)]


def test_other_turns_and_other_battles_have_other_dice() -> None:
    big = opened("b", 400)
    turns = fought(big, *["guard"] * 2)
    assert turns[0] != turns[1]
    others = {fought(opened(f"b{n}", 400), "guard")[0] for n in range(20)}
    assert len(others) > 10


def test_a_roll_stays_between_its_bounds() -> None:
    player, hostile = player_profile(1, DEFAULT), opened(strength=400).hostile
    low = damage(hostile.attack, player.defense, 400, DEFAULT.combat.roll_min_permille)
    high = damage(hostile.attack, player.defense, 400, DEFAULT.combat.roll_max_permille)
    taken = {fought(opened(f"b{n}", 400), "guard")[0][1] for n in range(300)}
    assert low <= min(taken) < low + 5
    assert high - 5 < max(taken) <= high


def test_who_stands_longer_wins_at_equal_level_under_the_shipped_rules() -> None:
    state = given("start b; attack b; attack b; attack b; attack b; attack b", DEFAULT)
    battle = state.battles["b"]
    assert battle.hostile.hp < battle.hostile.hp_max
    assert battle.player.hp > battle.player.hp_max // 2


def test_a_profile_is_never_without_hit_points_or_attack() -> None:
    text = (CASES / "small.toml").read_text(encoding="utf-8")
    for name in ("player_hp", "hostile_hp", "attack", "defense"):
        line = next(line for line in text.splitlines() if line.startswith(f"{name}_permille"))
        text = text.replace(line, f"{name}_permille = 0")
    rules = compile_rules(text)
    battle = given("start b", rules).battles["b"]
    for side in (battle.player, battle.hostile):
        assert (side.attack, side.defense, side.hp, side.hp_max) == (1, 0, 1, 1)


def test_a_fallback_reward_is_never_more_than_a_battle_may_hold() -> None:
    text = (CASES / "small.toml").read_text(encoding="utf-8")
    rules = compile_rules(text.replace("per_level = 5", "per_level = 1000000000"))
    battle = given("start b hostile.level=10000", rules, NEW).battles["b"]
    assert battle.experience_reward == EXPERIENCE_REWARD_MAX < INTEGER_MAX

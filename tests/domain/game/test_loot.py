"""Loot: fair dice, ranges, and tables that mean the same wherever they are opened.

What a reward with loot pays is in `cases/loot.txt`; what a broken table is told in `test_rules`.
"""

from collections import Counter

import pytest

from domain.game.loot import Dice, drops_of, open_tables, seed_of
from domain.rules.compiled_rules import compile_rules
from domain.rules.loot_tables import LootTable
from domain.state.history import Cause
from domain.state.rows import Reward
from tests.domain.rules_kit import SMALL_TEXT, small, small_text
from tests.domain.script_kit import LOOT

OPENINGS = 20_000
WOLF = LOOT.loot["wolf"]
DICE_FOR_EVER = [9401, 94854, 121934, 759751]
"""Other numbers would mean that a server of another version gives players other loot."""
SMALL_FINGERPRINT = "347c65c8e41d5381"
"""What the small rules were called in histories before there was loot."""


def opened(table: LootTable, number: int) -> Counter[str]:
    """How often each thing dropped when the table was opened this many times."""
    counted: Counter[str] = Counter()
    for quest in range(number):
        seed = seed_of("u", Cause.QUEST, f"q{quest}", "wolf", 1)
        counted.update(drop.id or drop.kind for drop in drops_of(table, Dice(seed)))
    return counted


def test_over_many_openings_the_weights_are_what_drops() -> None:
    counted = opened(WOLF, OPENINGS)
    assert counted.total() == 2 * OPENINGS
    # Chi-square with 3 degrees of freedom: fair dice are past 16.27 once in a thousand seeds.
    weights = {"pelt": 50, "gold": 15, "mei": 5, "nothing": 30}
    expected = {name: counted.total() * weight / 100 for name, weight in weights.items()}
    assert sum((counted[name] - one) ** 2 / one for name, one in expected.items()) < 16.27


@pytest.mark.parametrize("faces", [2, 3, 6, 7, 100])
def test_every_face_of_the_dice_comes_up_as_often_as_any_other(faces: int) -> None:
    dice = Dice("a seed")
    thrown = Counter(dice.throw(faces) for _ in range(1_000 * faces))
    assert set(thrown) == set(range(1, faces + 1))
    # Each count is around 1,000 with a deviation below 32: five of them are never off.
    assert all(abs(count - 1_000) < 160 for count in thrown.values())


def test_a_range_gives_every_number_in_it_and_no_other() -> None:
    dice = Dice("a seed")
    assert {dice.between(-2, 3) for _ in range(200)} == {-2, -1, 0, 1, 2, 3}
    assert dice.between(5, 5) == 5


def test_a_fixed_amount_costs_no_throw() -> None:
    one, other = Dice("a seed"), Dice("a seed")
    one.between(5, 5)
    assert [one.throw(1_000) for _ in range(9)] == [other.throw(1_000) for _ in range(9)]


def test_the_dice_are_the_same_for_ever() -> None:
    dice = Dice(seed_of("alice", Cause.BATTLE, "b-1", "wolf", 1))
    assert [dice.throw(1_000_000) for _ in range(4)] == DICE_FOR_EVER


def test_whatever_the_dice_hang_on_changes_them() -> None:
    seeds = [
        seed_of("alice", Cause.BATTLE, "b-1", "wolf", 1),
        seed_of("bob", Cause.BATTLE, "b-1", "wolf", 1),
        seed_of("alice", Cause.QUEST, "b-1", "wolf", 1),
        seed_of("alice", Cause.BATTLE, "b-2", "wolf", 1),
        seed_of("alice", Cause.BATTLE, "b-1", "bear", 1),
        seed_of("alice", Cause.BATTLE, "b-1", "wolf", 2),
    ]
    throws = {tuple(dice.throw(10**9) for _ in range(3)) for dice in map(Dice, seeds)}
    assert len(throws) == len(seeds)


def test_a_table_rolls_as_often_as_its_range_says() -> None:
    table = LootTable.model_validate({"rolls": [1, 3], "drops": [{"item": "a", "weight": 1}]})
    seeds = (seed_of("u", Cause.QUEST, f"q{number}", "t", 1) for number in range(100))
    assert {len(drops_of(table, Dice(seed))) for seed in seeds} == {1, 2, 3}


def test_drops_tell_the_throw_that_made_them() -> None:
    ends = [(50, "pelt"), (65, "gold"), (70, "mei"), (100, "nothing")]
    for number in range(200):
        for drop in drops_of(WOLF, Dice(f"seed {number}")):
            assert drop.weights == 100
            fell_on = next(name for end, name in ends if drop.roll <= end)
            assert (drop.id or drop.kind) == fell_on


def test_what_a_reward_names_and_what_drops_are_added_up() -> None:
    reward = Reward(None, {"sword": 2}, {"gold": 5}, {}, {"chest": 3})
    goods, told = open_tables("u", Cause.QUEST, "q", reward, LOOT)
    assert goods == Reward(None, {"sword": 5}, {"gold": 65}, {})
    assert len(told) == 3
    assert reward.items == {"sword": 2}


def test_a_reward_without_loot_is_left_as_it_is() -> None:
    reward = Reward(7, {"sword": 2})
    assert open_tables("u", Cause.QUEST, "q", reward, LOOT) == (reward, ())


def test_the_largest_loot_fits_in_every_json_number() -> None:
    drop = '{ item = "pelt", weight = 1, amount = 1_000_000_000_000 }'
    given = ", ".join(['{ item = "pelt", amount = 1_000_000_000_000 }'] * 20)
    tables = "\n".join(
        f"[loot.t{number}]\nrolls = 10\ndrops = [{drop}]\nguaranteed = [{given}]"
        for number in range(5)
    )
    reward = Reward(loot={f"t{number}": 10 for number in range(5)})
    goods, _ = open_tables("u", Cause.QUEST, "q", reward, small(tables))
    assert goods.items == {"pelt": 5 * 10 * 30 * 10**12}
    assert goods.items["pelt"] < 2**53


def test_loot_is_part_of_the_fingerprint_and_the_order_of_tables_is_not() -> None:
    one = '[loot.a]\nguaranteed = [{ item = "pelt" }]\n'
    two = '[loot.b]\nguaranteed = [{ item = "fang" }]\n'
    plain, both = compile_rules(SMALL_TEXT), compile_rules(small_text(one + two))
    assert both.fingerprint == compile_rules(small_text(two + one)).fingerprint
    others = [small_text(one), small_text(one + two.replace("fang", "claw"))]
    others.append(small_text(one).replace("5000 }", '5000, loot = "a" }'))
    prints = {compile_rules(text).fingerprint for text in others}
    assert len(prints | {plain.fingerprint, both.fingerprint}) == 5


def test_rules_without_loot_keep_the_fingerprint_they_had_before_there_was_any() -> None:
    assert compile_rules(SMALL_TEXT).fingerprint == SMALL_FINGERPRINT

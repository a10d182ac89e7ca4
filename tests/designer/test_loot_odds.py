"""Loot in figures, against what really drops."""

from fractions import Fraction

from designer.rules.loot_odds import averages, odds
from designer.simulation.player import Player
from domain.game.loot import Dice, drops_of
from domain.rules.loot_tables import LootTable
from tests.designer.story_kit import STORIES, reported, task_of

TABLE = LootTable.model_validate(
    {
        "rolls": [1, 3],
        "nothing": 5,
        "guaranteed": [{"item": "pelt"}, {"affinity": "mei", "amount": [-3, 1]}],
        "drops": [
            {"item": "pelt", "weight": 10, "amount": [1, 2]},
            {"currency": "gold", "weight": 5, "amount": [10, 30]},
        ],
    }
)


def test_the_chances_of_a_roll_add_up_to_one() -> None:
    rolled = [one for one in odds(TABLE) if one.weight is not None]
    assert [one.chance for one in rolled] == [Fraction(1, 2), Fraction(1, 4), Fraction(1, 4)]
    assert [one.id for one in rolled] == ["pelt", "gold", ""]


def test_averages_of_a_thing_are_added_up_over_the_table() -> None:
    assert averages(TABLE) == {
        ("item", "pelt"): 1000 + 1500,
        ("affinity", "mei"): -1000,
        ("currency", "gold"): 10_000,
    }


def test_the_averages_are_what_many_openings_come_to() -> None:
    openings = 20_000
    sums = dict.fromkeys(averages(TABLE), 0)
    for number in range(openings):
        for drop in drops_of(TABLE, Dice(f"opening {number}")):
            if drop.kind != "nothing":
                sums[(drop.kind, drop.id)] += drop.amount
    for thing, thousandths in averages(TABLE).items():
        # Within 3 %: the largest deviation of one opening is 13.5 gold, of their mean 0.1.
        assert abs(sums[thing] / openings - thousandths / 1000) < 0.03 * abs(thousandths) / 1000


def test_a_simulated_story_tells_what_its_players_hold() -> None:
    task = task_of(STORIES[0], 40)
    _, report = reported(task, 1)
    assert reported(task, 2)[1].goods == report.goods
    compiled = task.compile()
    kinds = compiled.story.players
    assert {(one.kind, one.id) for one in report.goods} >= {
        ("currency", "copper"),
        ("item", "lantern-oil"),
    }
    (copper,) = [one for one in report.goods if one.id == "copper"]
    assert copper.players > 900
    player = Player(compiled, kinds[0], 0, task.seed, forget=False)
    playthrough = player.play()
    from_history: dict[tuple[str, str], int] = {}
    for entry in player.state.history:
        for kind, amounts in (("item", entry.items), ("currency", entry.currency)):
            for name, amount in amounts.items():
                from_history[(kind, name)] = from_history.get((kind, name), 0) + amount
    assert playthrough.goods == from_history

"""XP modifiers: repeat decay and over-budget brackets by their figures, and their order."""

import pytest

from domain.game.xp_modifiers import ModifierContext, modify_experience, repeat_scope
from domain.rules.compiled_rules import Rules
from domain.state.history import Factor
from domain.state.rows import INTEGER_MAX, Source
from tests.domain import table_kit
from tests.domain.rules_kit import preset, small

EVERYTHING = small(
    """
[penalties.level_difference]
kills = { kind = "grey_kill" }
quests = { kind = "grey_quest" }

[penalties.repeat]
kind = "decay"

[penalties.over_budget]
kind = "decay"
brackets = [{ over_permille = 0, worth_permille = 500 }]
"""
)


def kill(**fields: int | None) -> ModifierContext:
    return ModifierContext(**{
        "source": Source.HOSTILE_NPC, "player_level": 20, "target_level": 20, "repeats": 0,
        "budget": None, "spent": 0, **fields,
    })  # type: ignore[arg-type]  # fmt: skip


def repeated(keys: str, amount: int, times: range) -> list[int]:
    rules = small(f"[penalties.repeat]\n{keys}")
    return [modify_experience(amount, kill(repeats=n), rules)[0] for n in times]


def test_the_published_decay_takes_a_tenth_a_time_and_ends_at_the_tenth_repeat() -> None:
    assert repeated('kind = "decay"', 100, range(12)) == [
        100, 90, 80, 70, 60, 50, 40, 30, 20, 10, 0, 0,
    ]  # fmt: skip


def test_a_decay_stops_at_its_floor() -> None:
    assert repeated('kind = "decay"\nsteps = 4\nfloor_permille = 300', 100, range(6)) == [
        100, 75, 50, 30, 30, 30,
    ]  # fmt: skip


def test_the_first_time_only_pays_once() -> None:
    assert repeated('kind = "first_only"', 100, range(3)) == [100, 0, 0]


def test_a_repeat_curve_holds_its_last_value() -> None:
    assert repeated('kind = "curve"\npermille = [1000, 500, 333]', 100, range(5)) == [
        100, 50, 33, 33, 33,
    ]  # fmt: skip


SCOPES = """
case                 | keys                              | scope
---------------------|-----------------------------------|------
off                  | kind = "none"                     | none
decay                | kind = "decay"                    | day
decay by chapter     | kind = "decay"; scope = "chapter" | chapter
first only           | kind = "first_only"               | chapter
first only by day    | kind = "first_only"; scope = "day" | day
a curve              | kind = "curve"; permille = [1]    | chapter
"""


@pytest.mark.parametrize("row", table_kit.params(SCOPES))
def test_the_scope_says_over_what_defeats_are_counted(row: dict[str, str]) -> None:
    rules = small("[penalties.repeat]\n" + row["keys"].replace("; ", "\n"))
    assert repeat_scope(rules) == row["scope"]


# Half past the budget, a tenth past half of it again, nothing past twice it.
BRACKETS = small(
    """
[penalties.over_budget]
kind = "decay"
brackets = [
  { over_permille = 0, worth_permille = 500 },
  { over_permille = 500, worth_permille = 100 },
  { over_permille = 1000, worth_permille = 0 },
]
"""
)
OVER = """
case                              | budget | spent | planned | granted
----------------------------------|--------|-------|---------|--------
far inside                        | 100    | 0     | 50      | 50
up to the budget                  | 100    | 90    | 10      | 10
one past it                       | 100    | 90    | 12      | 11
across two edges                  | 100    | 90    | 130     | 62
into the next bracket             | 100    | 100   | 100     | 50
and a tenth of what is left       | 100    | 100   | 200     | 60
up to where nothing counts        | 100    | 100   | 600     | 100
and not beyond                    | 100    | 100   | 100000  | 100
already past everything           | 100    | 500   | 100     | 0
no budget for this source         | 0      | 0     | 100     | 0
the most there is                 | 100    | 0     | 9007199254740991 | 200
"""


@pytest.mark.parametrize("row", table_kit.params(OVER))
def test_experience_past_the_budget_is_worth_what_its_bracket_says(row: dict[str, str]) -> None:
    context = kill(budget=int(row["budget"]), spent=int(row["spent"]))
    assert modify_experience(int(row["planned"]), context, BRACKETS)[0] == int(row["granted"])


def test_rules_speak_in_order_each_on_what_the_one_before_it_left() -> None:
    context = kill(target_level=24, repeats=5, budget=100, spent=80)
    assert modify_experience(145, context, EVERYTHING) == (
        53,
        (
            Factor("level_difference", 145, 174),
            Factor("repeat", 174, 87),
            Factor("over_budget", 87, 53),
        ),
    )


def test_a_rule_that_changes_nothing_says_nothing() -> None:
    assert modify_experience(145, kill(budget=1000), EVERYTHING) == (145, ())


def test_once_nothing_is_left_the_rest_is_silent() -> None:
    context = kill(target_level=13, repeats=5, budget=0)
    assert modify_experience(145, context, EVERYTHING) == (
        0,
        (Factor("level_difference", 145, 0),),
    )


SILENT = """
case                            | context
--------------------------------|---------
no level to compare             | target_level=none
no plan                         | budget=none
a quest is never a repeat       | source=quest repeats=9
"""


@pytest.mark.parametrize("row", table_kit.params(SILENT))
def test_a_rule_without_anything_to_look_at_is_silent(row: dict[str, str]) -> None:
    fields: dict[str, object] = {}
    for word in row["context"].split():
        name, _, value = word.partition("=")
        fields[name] = Source.QUEST if name == "source" else None if value == "none" else int(value)
    assert modify_experience(145, kill(**fields), EVERYTHING) == (145, ())  # type: ignore[arg-type]


def test_quests_have_their_own_level_difference() -> None:
    context = kill(source=Source.QUEST, target_level=13)  # type: ignore[arg-type]
    assert modify_experience(100, context, EVERYTHING) == (
        60,
        (Factor("level_difference", 100, 60),),
    )


@pytest.mark.parametrize("rules", [EVERYTHING, BRACKETS], ids=["everything", "brackets"])
def test_no_modifier_applies_to_what_a_service_grants(rules: Rules) -> None:
    context = kill(source=Source.SERVICE, target_level=1, budget=0)  # type: ignore[arg-type]
    assert modify_experience(145, context, rules) == (145, ())


def test_the_default_rules_modify_nothing() -> None:
    context = kill(target_level=1, repeats=1000, budget=1, spent=1_000_000)
    assert modify_experience(145, context, preset("default")) == (145, ())
    assert repeat_scope(preset("default")) == "none"


def test_more_than_63_bits_are_never_granted() -> None:
    context = kill(target_level=24)
    assert modify_experience(INTEGER_MAX, context, EVERYTHING)[0] == INTEGER_MAX


def test_nothing_stays_nothing() -> None:
    plus_one = small('[penalties.level_difference]\nkills = { kind = "ratio" }')
    assert modify_experience(0, kill(), plus_one) == (0, ())

"""The rules file: what compiles, and what a broken one is told, key by key."""

import pytest

from domain.rows import INTEGER_MAX
from domain.rules import InvalidRules, Rules, compile_rules
from tests.domain import table
from tests.domain.script import DEFAULT, DEFAULT_TOML
from tests.domain.table import CASES

SMALL_TEXT = (CASES / "small.toml").read_text(encoding="utf-8")
COSTS = "[100, 200, 300, 400]"


def problems(text: str) -> list[str]:
    with pytest.raises(InvalidRules) as caught:
        compile_rules(text)
    assert str(caught.value) == "; ".join(caught.value.problems)
    return caught.value.problems


# One change to small.toml each (`/` stands for a new line), and the one problem it makes.
BROKEN = """
case                          | instead of             | comes                            | the problem
------------------------------|------------------------|----------------------------------|------------
a cost that falls             | [100, 200, 300, 400]   | [100, 200, 199, 400]             | levels: xp_to_next of level 3 is 199, expected at least that of level 2, which is 200
a cost of 0                   | [100,                  | [0,                              | levels.xp_to_next.0 is 0: input should be greater than or equal to 1
a negative cost               | [100,                  | [-5,                             | levels.xp_to_next.0 is -5: input should be greater than or equal to 1
a cost that is no integer     | 200                    | 200.5                            | levels.xp_to_next.1 is 200.5: input should be a valid integer
a cost that is a truth        | 400]                   | true]                            | levels.xp_to_next.3 is True: input should be a valid integer
a cost over 63 bits           | 400]                   | 9223372036854775808]             | levels.xp_to_next.3 is 9223372036854775808: input should be less than or equal to 9223372036854775807
costs that add up over 63 bits | 400]                  | 9223372036854775807]             | levels: xp_to_next adds up to 9223372036854776407, expected at most 9223372036854775807
no levels at all              | [100, 200, 300, 400]   | []                               | levels.xp_to_next is []: list should have at least 1 item after validation, not 0
a formula in the table's place | [100, 200, 300, 400]  | "level * 100"                    | levels.xp_to_next is 'level * 100': input should be a valid list
a missing section             | [hostile_experience]/base = 10/per_level = 5 |            | hostile_experience is missing
a missing key                 | roll_min_permille = 1000/ |                               | combat.roll_min_permille is missing
an unknown key                | base = 10/per_level = 10 | base = 10/per_level = 10/x = 1  | strength.x is no key of a rules file
an unknown section            | name = "small"         | name = "small"/[mounts]          | mounts is no key of a rules file
an unknown tier               | minion                 | giant                            | tiers.giant.[key] is 'giant': input should be 'minion', 'standard', 'elite' or 'boss'
a tier left out               | boss     = { level_offset = 2, strength_permille = 2000, experience_permille = 5000 } | | the file: tiers lacks boss
a tier without strength       | strength_permille = 500, | strength_permille = 0,         | tiers.minion.strength_permille is 0: input should be greater than or equal to 1
a tier far below all levels   | level_offset = -1      | level_offset = -1001             | tiers.minion.level_offset is -1001: input should be greater than or equal to -1000
a stance left out             | guard  = { dealt_permille = 500, taken_permille = 400 } |  | combat: stances lacks guard
an unknown stance             | guard                  | dance                            | combat.stances.dance.[key] is 'dance': input should be 'attack', 'guard' or 'skill'
a negative stance             | taken_permille = 400   | taken_permille = -1              | combat.stances.guard.taken_permille is -1: input should be greater than or equal to 0
dice the wrong way round      | roll_min_permille = 1000 | roll_min_permille = 1001       | combat: roll_min_permille is 1001, expected at most roll_max_permille, which is 1000
dice over the limit           | roll_max_permille = 1000 | roll_max_permille = 1000001    | combat.roll_max_permille is 1000001: input should be less than or equal to 1000000
no strength                   | base = 10/per_level = 10 | base = 0/per_level = 10        | strength.base is 0: input should be greater than or equal to 1
an empty name                 | "small"                | ""                               | name is '': string should have at least 1 character
a name that is a number       | "small"                | 7                                | name is 7: input should be a valid string
a section that is a value     | [levels]/xp_to_next = [100, 200, 300, 400] | levels = 5   | levels is 5: input should be a valid dictionary or instance of LevelRules
"""  # noqa: E501


@pytest.mark.parametrize("row", table.params(BROKEN))
def test_a_broken_file_is_told_the_key_what_came_and_what_was_expected(row: dict[str, str]) -> None:
    old, new = row["instead of"].replace("/", "\n"), row["comes"].replace("/", "\n")
    assert old in SMALL_TEXT
    assert problems(SMALL_TEXT.replace(old, new, 1)) == [row["the problem"]]


def test_every_problem_is_listed_not_only_the_first() -> None:
    text = SMALL_TEXT.replace("base", "bass").replace("[100,", "[0,")
    assert problems(text) == [
        "levels.xp_to_next.0 is 0: input should be greater than or equal to 1",
        "strength.base is missing",
        "strength.bass is no key of a rules file",
        "hostile_experience.base is missing",
        "hostile_experience.bass is no key of a rules file",
    ]


def test_a_file_that_is_not_toml_is_told_the_line() -> None:
    (problem,) = problems('name = "x"\n[levels\n')
    assert problem.startswith("not TOML: ")
    assert "line 2" in problem


def test_a_key_given_twice_is_not_toml() -> None:
    (problem,) = problems(SMALL_TEXT + "attack = { dealt_permille = 1, taken_permille = 1 }\n")
    assert problem.startswith("not TOML: ")


def test_an_empty_file_lacks_every_section() -> None:
    sections = ("name", "levels", "strength", "hostile_experience", "tiers", "combat")
    assert problems("") == [f"{section} is missing" for section in sections]


def test_rules_whose_profiles_do_not_fit_in_63_bits_are_refused() -> None:
    text = SMALL_TEXT.replace("base = 10\nper_level = 10", "base = 10\nper_level = 1000000000")
    text = text.replace("hostile_hp_permille = 4000", "hostile_hp_permille = 1000000")
    assert isinstance(compile_rules(text), Rules)
    (problem,) = problems(text.replace(COSTS, f"[{'1, ' * 9_998}1]").replace("2000", "1000000"))
    assert problem.startswith("the file: strength of 9999000000010 at the level cap makes ")
    assert problem.endswith(f"expected at most {INTEGER_MAX}")


def test_the_largest_curve_that_fits_compiles() -> None:
    rules = compile_rules(SMALL_TEXT.replace(COSTS, f"[1, {INTEGER_MAX - 1}]"))
    assert rules.levels[-1].cumulative_xp == INTEGER_MAX
    assert rules.level_cap == 3


def test_costs_may_stay_equal() -> None:
    assert compile_rules(SMALL_TEXT.replace(COSTS, "[7, 7]")).level_cap == 3


def test_the_fingerprint_changes_with_every_number_but_not_with_comments_and_spaces() -> None:
    text = DEFAULT_TOML.read_text(encoding="utf-8")
    assert compile_rules(text + "\n# a comment").fingerprint == DEFAULT.fingerprint
    assert compile_rules(text.replace(" = ", "=")).fingerprint == DEFAULT.fingerprint
    assert len(DEFAULT.fingerprint) == 16
    changes = [
        ("209800", "209801"),
        ("per_level = 6", "per_level = 7"),
        ("level_offset = -1", "level_offset = -2"),
        ("roll_max_permille = 1150", "roll_max_permille = 1151"),
        ('name = "default"', 'name = "other"'),
    ]
    prints = {compile_rules(text.replace(old, new, 1)).fingerprint for old, new in changes}
    assert len(prints | {DEFAULT.fingerprint}) == len(changes) + 1


def test_the_fingerprint_does_not_hang_on_the_order_of_tables() -> None:
    lines = SMALL_TEXT.splitlines()
    (first,) = (i for i, line in enumerate(lines) if line.startswith("minion"))
    lines[first], lines[first + 1] = lines[first + 1], lines[first]
    assert compile_rules("\n".join(lines)).fingerprint == compile_rules(SMALL_TEXT).fingerprint

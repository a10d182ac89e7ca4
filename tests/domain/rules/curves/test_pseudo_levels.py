"""Pseudo levels: from a story's position to the levels, and from there to XP and back."""

import pytest

from domain.rules.compiled_rules import Rules
from tests.domain import table_kit
from tests.domain.rules_kit import small

# The small rules: levels 1 to 5 are reached at 0, 100, 300, 600 and 1000 XP.
EVEN = small()

CURVES = """
case                       | keys                                    | at 0, 1, 2, 3, 4 quarters
---------------------------|-----------------------------------------|--------------------------
levels, by default         |                                         | 1000 2000 3000 4000 5000
levels, in a span          | entry_millis = 2000; exit_millis = 3000 | 2000 2250 2500 2750 3000
xp                         | kind = "even_xp"                        | 1000 2750 3666 4375 5000
xp, in a span              | kind = "even_xp"; entry_millis = 2000; exit_millis = 4000 | 2000 2625 3166 3583 4000
points                     | kind = "points"; points = [{ position_permille = 500, progress_permille = 250 }] | 1000 1500 2000 3500 5000
points, fast at first      | kind = "points"; points = [{ position_permille = 250, progress_permille = 700 }, { position_permille = 750, progress_permille = 900 }] | 1000 3800 4200 4600 5000
"""  # noqa: E501


@pytest.mark.parametrize("row", table_kit.params(CURVES))
def test_a_story_climbs_along_its_curve(row: dict[str, str]) -> None:
    rules = small("[pseudo_levels]\n" + row["keys"].replace("; ", "\n"))
    climbed = [rules.pseudo_level_at(quarter, 4) for quarter in range(5)]
    assert climbed == [int(one) for one in row["at 0, 1, 2, 3, 4 quarters"].split()]


def test_a_story_past_its_end_is_at_its_end() -> None:
    assert EVEN.pseudo_level_at(7, 4) == 5000
    assert EVEN.pseudo_level_at(-1, 4) == 1000


LEVELS = [(0, 1000), (50, 1500), (99, 1990), (100, 2000), (250, 2750), (600, 4000), (1000, 5000)]


@pytest.mark.parametrize(("xp", "millis"), LEVELS)
def test_experience_and_pseudo_level_are_two_names_of_one_place(xp: int, millis: int) -> None:
    assert EVEN.pseudo_level_of(xp) == millis
    assert EVEN.xp_at(millis) == xp


def test_there_is_no_way_past_the_cap() -> None:
    assert EVEN.pseudo_level_of(5_000) == 5000
    assert EVEN.xp_at(5_500) == 1000
    assert EVEN.xp_at(900) == 0


@pytest.mark.parametrize("rules", [EVEN, small(levels="xp_to_next = [1]")], ids=["small", "tiny"])
def test_both_ends_are_exact(rules: Rules) -> None:
    assert rules.pseudo_level_at(0, 7) == 1000
    assert rules.pseudo_level_at(7, 7) == 1000 * rules.level_cap

"""Levels and experience where commands cannot reach, and the shipped 60-level curve."""

import pytest

from domain.game.progression import (
    acknowledge_level_ups,
    default_player_progression,
    grant_player_progression_experience,
    progression_of,
    rebase_progression,
)
from domain.messages.rejections import Code, Rejection
from domain.rules.compiled_rules import compile_rules
from domain.state.rows import PlayerProgression, Source
from tests.domain import table_kit
from tests.domain.script_kit import DEFAULT, SMALL, SMALL_TEXT, given

NEW_ROW = default_player_progression("u", SMALL)
LOWERED = compile_rules(SMALL_TEXT.replace("[100, 200, 300, 400]", "[100, 200]"))
"""Small, with a cap of level 3."""


def grant(row: PlayerProgression, amount: int, now: int = 5) -> PlayerProgression:
    after = grant_player_progression_experience(row, amount, Source.SERVICE, now, SMALL)
    assert isinstance(after, PlayerProgression)
    return after


def test_a_user_who_was_never_written_is_level_1_with_0_xp() -> None:
    assert NEW_ROW == PlayerProgression(
        user_id="u",
        level=1,
        current_level_xp=0,
        total_xp=0,
        xp_to_next_level=100,
        pending_level_ups=0,
        last_granted_source=None,
        created_at=0,
        updated_at=0,
    )


@pytest.mark.parametrize("amount", [-1, -(2**63)])
def test_a_negative_amount_is_refused(amount: int) -> None:
    after = grant_player_progression_experience(NEW_ROW, amount, Source.QUEST, 5, SMALL)
    assert after == Rejection(Code.INVALID_FIELD, f"amount is {amount}, expected 0 or more")


def test_an_amount_of_0_and_nothing_to_acknowledge_give_the_same_row_back() -> None:
    row = grant(NEW_ROW, 40)
    assert grant(row, 0) is row
    assert acknowledge_level_ups(row, 9) is row


def test_a_change_of_curve_counts_from_the_next_level_on_and_takes_no_level_away() -> None:
    row = grant_player_progression_experience(NEW_ROW, 399, Source.QUEST, 5, DEFAULT)
    assert isinstance(row, PlayerProgression)
    assert (row.level, row.current_level_xp, row.xp_to_next_level) == (2, 299, 900)


LEVELS = """
level | xp_to_next | cumulative_xp | reference_strength
------|------------|---------------|-------------------
1     | 400        | 0             | 20
2     | 900        | 400           | 26
3     | 1400       | 1300          | 32
9     | 6500       | 21100         | 68
10    | 7600       | 27600         | 74
20    | 23200      | 167200        | 134
40    | 90700      | 1154400       | 254
59    | 209800     | 3874900       | 368
60    | 0          | 4084700       | 374
"""


@pytest.mark.parametrize("row", table_kit.params(LEVELS))
def test_the_shipped_curve_has_the_published_values(row: dict[str, str]) -> None:
    benchmark = DEFAULT.levels[int(row["level"]) - 1]
    assert {name: str(getattr(benchmark, name)) for name in row} == row
    reached = grant_player_progression_experience(
        default_player_progression("u", DEFAULT), benchmark.cumulative_xp, Source.QUEST, 5, DEFAULT
    )
    assert isinstance(reached, PlayerProgression)
    assert (reached.level, reached.current_level_xp) == (benchmark.level, 0)
    assert reached.xp_to_next_level == benchmark.xp_to_next


def test_the_shipped_cap_is_level_60_and_every_level_costs_more_than_the_one_before() -> None:
    costs = [benchmark.xp_to_next for benchmark in DEFAULT.levels]
    assert (DEFAULT.name, DEFAULT.level_cap, len(costs)) == ("default", 60, 60)
    assert costs[:-1] == sorted(set(costs[:-1]))
    assert [benchmark.level for benchmark in DEFAULT.levels] == list(range(1, 61))


ASKED = """
level | clamped | xp_to_next | reference_strength
------|---------|------------|-------------------
-7    | 1       | -          | 10
0     | 1       | -          | 10
1     | 1       | 100        | 10
4     | 4       | 400        | 40
5     | 5       | 0          | 50
6     | 5       | 0          | 50
9999  | 5       | 0          | 50
"""


@pytest.mark.parametrize("row", table_kit.params(ASKED))
def test_rules_answer_for_levels_that_do_not_exist(row: dict[str, str]) -> None:
    level = int(row["level"])
    assert SMALL.clamp_level(level) == int(row["clamped"])
    assert SMALL.reference_strength(level) == int(row["reference_strength"])
    if row["xp_to_next"] != "-":
        assert SMALL.xp_to_next(level) == int(row["xp_to_next"])


def test_a_level_above_a_lowered_cap_is_kept_with_the_caps_figures() -> None:
    row = progression_of(given("grant 650"), SMALL)
    after = rebase_progression(row, 99, LOWERED)
    assert (after.level, after.total_xp, after.xp_to_next_level) == (4, 650, 0)
    assert after.current_level_xp == 350  # what is past the cap, as for everyone there
    assert (after.pending_level_ups, after.updated_at) == (3, 99)
    assert rebase_progression(after, 100, LOWERED) is after


def test_rules_that_change_nothing_rebase_nothing() -> None:
    row = progression_of(given("grant 650"), SMALL)
    assert rebase_progression(row, 99, SMALL) is row

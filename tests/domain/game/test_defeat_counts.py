"""Defeat counts: days that begin anew, and how much of a long list of defeats is kept."""

from domain.game.defeat_counts import DAY, current_counts, with_defeat
from domain.rules.compiled_rules import compile_rules
from domain.state.rows import HOSTILES_MAX
from domain.state.user_state import Changes, UserState
from tests.domain.script_kit import NEW, SMALL, SMALL_TEXT, STRICT, given

DAILY = compile_rules(SMALL_TEXT + '[penalties.repeat]\nkind = "decay"\nscope = "day"\nsteps = 4\n')
FIGHT = "start {0} hostile.strength=1 experience_reward=100; attack {0}"


def amounts(state: UserState) -> list[int]:
    return [entry.amount for entry in state.history]


def test_a_day_counts_every_defeat_of_a_hostile_in_any_chapter_or_none() -> None:
    state = given("plan c; plan d", DAILY)
    for name, chapter in (("b1", "chapter_id=c"), ("b2", "chapter_id=d"), ("b3", "")):
        script = f"start {name} {chapter} hostile.strength=1 experience_reward=100; attack {name}"
        state = given(script, DAILY, state)
    assert amounts(state) == [100, 75, 50]
    assert state.repeats["day"].defeats == {"wolf": 3}


def test_another_hostile_has_a_count_of_its_own() -> None:
    state = given(FIGHT.format("b1"), DAILY)
    state = given(
        "start b2 hostile.hostile_id=bear hostile.strength=1 experience_reward=100; attack b2",
        DAILY,
        state,
    )
    assert amounts(state) == [100, 100]
    assert state.repeats["day"].defeats == {"wolf": 1, "bear": 1}


def test_a_new_day_begins_anew_and_forgets_the_old_one() -> None:
    state = given(FIGHT.format("b1"), DAILY)
    today = current_counts(state, None, DAY - 1, DAILY)
    assert today is not None
    assert (today.day, today.defeats) == (0, {"wolf": 1})
    tomorrow = current_counts(state, None, DAY, DAILY)
    assert tomorrow is not None
    assert (tomorrow.day, tomorrow.defeats) == (1, {})
    assert with_defeat(tomorrow, "bear").defeats == {"bear": 1}


def test_nobody_counts_while_the_rule_is_off() -> None:
    state = given(FIGHT.format("b1"), SMALL)
    assert state.repeats == {}
    assert current_counts(state, "c", 0, SMALL) is None


def test_the_hostile_defeated_longest_ago_is_forgotten_first() -> None:
    state = NEW
    # h0 is met again, so h1 is then the oldest
    for hostile in (*(f"h{number}" for number in range(HOSTILES_MAX)), "h0", "new"):
        counts = current_counts(state, "c", 0, STRICT)
        assert counts is not None
        state = state.put(Changes(repeat_tally=(with_defeat(counts, hostile),)))
    counts = state.repeats["chapter/c"]
    assert len(counts.defeats) == HOSTILES_MAX
    assert "h1" not in counts.defeats
    assert (counts.defeats["h0"], counts.defeats["new"]) == (2, 1)

"""A row table answers like a map of rows and keeps the bytes that are stored."""

from domain.state.array_form import encode_array
from domain.state.user_state import NO_QUESTS, UserState
from tests.domain import script_kit

PLAYED = script_kit.given(
    "offer a items.bow=1 experience=5; offer b need=x:y:2; offer c; turn_in a; abandon c; "
    "start d; start e; escape e"
)


def test_rows_are_kept_as_they_are_stored() -> None:
    quests = PLAYED.quests
    assert list(quests) == ["a", "b", "c"]
    assert list(quests.arrays()) == list(map(encode_array, quests.values()))
    assert quests.bytes == sum(map(len, quests.arrays()))
    assert quests["b"] == PLAYED.open_quests.rows["b"]


def test_a_row_that_is_put_again_is_counted_once() -> None:
    quests = PLAYED.quests
    again = quests.put_row("a", quests["a"])
    assert (again.bytes, len(again)) == (quests.bytes, len(quests))
    assert again == quests


def test_a_turn_finds_open_rows_and_settled_ones() -> None:
    assert [PLAYED.quest(key) for key in "abc"] == list(PLAYED.quests.values())
    assert [PLAYED.battle(key) for key in "de"] == list(PLAYED.battles.values())
    assert PLAYED.quest("b") is PLAYED.open_quests.rows["b"]
    assert PLAYED.quest("x") is PLAYED.battle("x") is None


def test_putting_a_row_in_changes_the_next_table_only() -> None:
    row = PLAYED.quests["a"]
    after = NO_QUESTS.put_row("a", row)
    assert (len(NO_QUESTS), len(after), after["a"]) == (0, 1, row)
    assert UserState("u").quests == NO_QUESTS

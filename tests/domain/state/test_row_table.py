"""A row table answers like a map, whichever of its rows are packed."""

from domain.decide.dispatch import decide
from domain.state.row_table import RowTable
from domain.state.user_state import NO_QUESTS, UserState
from tests.domain import script_kit

PLAYED = script_kit.given(
    "offer a items.bow=1 experience=5; offer b need=x:y:2; offer c; turn_in a; abandon c; "
    "start d; start e; escape e"
)


def test_a_packed_state_is_the_same_state() -> None:
    packed = PLAYED.packed()
    assert packed == PLAYED
    assert list(packed.quests) == list(PLAYED.quests) == ["a", "b", "c"]
    assert dict(packed.battles) == dict(PLAYED.battles)
    assert packed.quests["a"] == PLAYED.quests["a"]
    assert packed.packed() == packed


def test_only_settled_rows_are_packed() -> None:
    def packed_ids(table: RowTable[object]) -> set[str]:
        kept = table.packed()._kept
        return {key for key, row in kept.items() if isinstance(row, bytes)}

    assert packed_ids(PLAYED.quests) == {"a", "c"}  # type: ignore[arg-type]
    assert packed_ids(PLAYED.battles) == {"e"}  # type: ignore[arg-type]
    assert PLAYED.packed().quests["b"] is PLAYED.quests["b"]
    assert PLAYED.quests.packed_bytes == 0 < PLAYED.packed().quests.packed_bytes


def test_commands_decide_by_packed_rows_as_by_others() -> None:
    lines = "turn_in a; offer a; abandon c; abandon b; undo x; attack e; attack d"
    for line in lines.split("; "):
        command = script_kit.command(line)
        answers = [
            decide(state, command, 9, script_kit.SMALL) for state in (PLAYED, PLAYED.packed())
        ]
        assert answers[0] == answers[1]


def test_putting_a_row_in_changes_the_next_table_only() -> None:
    row = PLAYED.quests["a"]
    after = NO_QUESTS.put({"a": row})
    assert (len(NO_QUESTS), len(after), after["a"]) == (0, 1, row)
    assert UserState("u").quests == NO_QUESTS

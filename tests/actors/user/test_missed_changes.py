"""What a reader has missed, or why it cannot be told: by position, receipts and eras."""

import pytest

from actors.user.missed_changes import Why, missed_or_why
from domain.state.position import Position
from domain.state.receipts import Receipt
from domain.state.user_state import UserState

STORE = "store"
"""The store's own era."""


def at(version: int, era: str = STORE) -> UserState:
    return UserState("u", version, era)


def receipts(*versions: int) -> list[Receipt]:
    return [Receipt(f"c{version}", b"", version, b"") for version in versions]


@pytest.mark.parametrize(
    ("after", "missed"),
    [
        (Position(STORE, 5), []),
        (Position(STORE, 4), [5]),
        (Position(STORE, 2), [3, 4, 5]),
        (Position("", 3), [4, 5]),
        (Position(STORE, 1), Why.TOO_OLD),
        (Position(STORE, 0), Why.TOO_OLD),
        (Position("", 0), Why.TOO_OLD),
        (Position(STORE, 6), Why.AHEAD),
        (Position("", 6), Why.AHEAD),
        (Position("other", 5), Why.ERA),
        (None, Why.FIRST),
    ],
)
def test_what_was_missed_by_position(after: Position | None, missed: list[int] | Why) -> None:
    told = missed_or_why(at(5), receipts(3, 4, 5), after, STORE)
    assert (told if isinstance(told, Why) else [version for version, _, _ in told]) == missed


def test_turns_on_their_way_are_not_missed_yet() -> None:
    told = missed_or_why(at(5), receipts(4, 5, 6, 7), Position(STORE, 4), STORE)
    assert told == [(5, "c5", b"")]


def test_a_version_without_a_receipt_cannot_be_told_of() -> None:
    """As after a restore, which writes one itself."""
    assert missed_or_why(at(6), receipts(4, 5), Position("", 4), STORE) is Why.TOO_OLD


@pytest.mark.parametrize("era", ["old", STORE])
def test_whoever_was_put_into_the_store_is_of_an_era_of_their_own(era: str) -> None:
    told = missed_or_why(at(5, "own"), receipts(5), Position(era, 5), STORE)
    assert told is Why.RESTORED


@pytest.mark.parametrize("after", [Position(STORE, 0), Position("", 0)])
def test_a_user_who_never_changed_is_of_the_store_s_era(after: Position) -> None:
    assert missed_or_why(at(0, ""), [], after, STORE) == []
    assert missed_or_why(at(0, ""), [], Position("old", 3), STORE) is Why.ERA


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("abc1.17", Position("abc1", 17)),
        ("0", Position("", 0)),
        ("17", Position("", 17)),
        *(
            (wrong, None)
            for wrong in ("", ".1", "a.", "a.01", "a.-1", "a.b.1", "a 1", "é.1", "a.²")
        ),
        ("a.12345678901234567", None),
        ("a" * 65 + ".1", None),
    ],
)
def test_a_position_is_read_as_it_is_written(text: str, position: Position | None) -> None:
    assert Position.parse(text) == position
    if position is not None:
        assert str(position) == text

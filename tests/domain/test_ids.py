"""Identifiers, as the pattern sees them and as pydantic does; and the chapter row's id."""

import pytest
from pydantic import TypeAdapter, ValidationError

from domain.ids import Id, is_id, is_user_id
from domain.state.rows import chapter_progression_id

ID = TypeAdapter(Id)

CASES = [
    # text, is an id, is a user id
    ("a", True, True),
    ("A-z_0.9:b@c", True, True),
    ("user@example.com", True, True),
    ("0", True, True),
    ("-", True, True),
    (".a", True, True),
    ("a.", True, True),
    ("..a", True, True),
    ("a..b", True, True),
    ("...", True, True),
    ("x" * 128, True, True),
    ("." * 128, True, True),
    ("Me", True, True),
    ("me", True, False),
    ("", False, False),
    (".", False, False),
    ("..", False, False),
    ("x" * 129, False, False),
    ("." * 129, False, False),
    ("a/b", False, False),
    ("a\\b", False, False),
    ("../a", False, False),
    ("a b", False, False),
    (" a", False, False),
    ("a\n", False, False),
    ("\na", False, False),
    ("a\0", False, False),
    ("a%2e", False, False),
    ("a~", False, False),
    ("é", False, False),
    ("a\u0301", False, False),
    ("\uff41", False, False),
    ("\u0663", False, False),
    ("玩家", False, False),
    ("\ud800", False, False),
]


@pytest.mark.parametrize(("text", "an_id", "a_user_id"), CASES)
def test_an_id_is_1_to_128_of_its_alphabet_and_no_path(
    text: str, an_id: bool, a_user_id: bool
) -> None:
    assert (is_id(text), is_user_id(text)) == (an_id, a_user_id)


@pytest.mark.parametrize(("text", "an_id", "_"), CASES)
def test_a_field_takes_the_same_ids(text: str, an_id: bool, _: bool) -> None:
    if an_id:
        assert ID.validate_python(text) == text
    else:
        with pytest.raises(ValidationError):
            ID.validate_python(text)


@pytest.mark.parametrize("value", [1, None, b"a", ["a"], True])
def test_only_text_is_an_id(value: object) -> None:
    with pytest.raises(ValidationError):
        ID.validate_python(value)


@pytest.mark.parametrize(
    ("one", "other"),
    [(("a", "b.c"), ("a.b", "c")), (("a:b", "c"), ("a", "b:c")), (("ab", "c"), ("a", "bc"))],
)
def test_no_two_pairs_of_user_and_chapter_share_a_row_id(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    assert chapter_progression_id(*one) != chapter_progression_id(*other)


def test_a_chapter_row_id_is_no_id_of_anything_else() -> None:
    assert not is_id(chapter_progression_id("a", "b"))

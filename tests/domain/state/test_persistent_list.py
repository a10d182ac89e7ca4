"""A persistent list answers like a tuple, and adding to one changes none that was there."""

import gc
import weakref
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.state import persistent_list
from domain.state.persistent_list import PersistentList
from domain.state.user_state import UserState

ITEMS = st.lists(st.integers(-(2**53), 2**53), max_size=4).map(tuple)
STEPS = st.lists(
    st.tuples(st.integers(0, 999), ITEMS | st.integers(0, 6) | st.none()), min_size=1, max_size=40
)
"""From which of the lists made so far, and what to add to it or how many to leave out, or pack."""

SLICES = [
    (slice(None), (1, 2, 3, 4)),
    (slice(1, None), (2, 3, 4)),
    (slice(None, 2), (1, 2)),
    (slice(-2, None), (3, 4)),
    (slice(-9, 9), (1, 2, 3, 4)),
    (slice(4, None), ()),
    (slice(None, None, -1), (4, 3, 2, 1)),
    (slice(0, 4, 2), (1, 3)),
]


@pytest.fixture(autouse=True, scope="module")
def small_blocks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(persistent_list, "BLOCK_ITEMS", 4)
        yield


@given(STEPS)
def test_lists_made_from_one_another_are_what_tuples_would_be(
    steps: list[tuple[int, tuple[int, ...] | int | None]],
) -> None:
    made: list[PersistentList[int]] = [PersistentList.of()]
    expected: list[tuple[int, ...]] = [()]
    for place, step in steps:
        at = place % len(made)
        if step is None:
            made.append(made[at].packed())
            expected.append(expected[at])
        elif isinstance(step, int):
            made.append(made[at].without_oldest(step))
            expected.append(expected[at][step:])
        else:
            made.append(made[at].plus(step))
            expected.append(expected[at] + step)
    for made_list, items in zip(made, expected, strict=True):
        assert tuple(made_list) == items
        assert len(made_list) == made_list.length == len(items)
        assert bool(made_list) == bool(items)
        assert tuple(reversed(made_list)) == items[::-1]
        assert made_list == PersistentList.of(items)
        assert made_list[1:] == items[1:]
        assert [made_list[place] for place in range(len(items))] == list(items)
        assert made_list.newest == (items[-1] if items else None)
    assert [made[0] == one for one in made] == [expected[0] == one for one in expected]


def test_what_is_added_to_the_same_list_twice_is_not_mixed() -> None:
    begin = PersistentList.of([1, 2])
    abandoned = begin.plus((3,))
    taken = begin.plus((4, 5))
    assert (tuple(begin), tuple(abandoned), tuple(taken)) == ((1, 2), (1, 2, 3), (1, 2, 4, 5))
    assert tuple(taken.plus((6,))) == (1, 2, 4, 5, 6)
    assert tuple(abandoned.plus((7,))) == (1, 2, 3, 7)


def test_a_list_that_nobody_added_to_shares_its_items_with_the_next() -> None:
    begin = PersistentList.of([1, 2])
    after = begin.plus((3,)).plus((4,))
    assert after._loose is begin._loose
    assert begin.plus((5,))._loose is not begin._loose


def test_an_empty_list_that_two_users_begin_from_stays_empty() -> None:
    nobody = UserState("u").history
    assert (tuple(nobody.plus((1,))), tuple(nobody.plus((2,)))) == ((1,), (2,))
    assert (tuple(nobody), nobody._loose) == ((), [])


def test_what_is_read_of_a_list_stays_when_another_is_added_to() -> None:
    begin = PersistentList.of([1, 2])
    forward, backward = iter(begin), reversed(begin)
    begin.plus((3,))
    assert (list(forward), list(backward)) == ([1, 2], [2, 1])


def test_what_is_left_out_is_let_go() -> None:
    class Entry:
        pass

    begin = PersistentList.of([Entry(), Entry()])
    first = weakref.ref(begin[0])
    after = begin.without_oldest(1)
    del begin
    gc.collect()
    assert first() is None
    assert len(after) == 1


@pytest.mark.parametrize(("key", "found"), SLICES)
def test_a_slice_is_a_tuple(key: slice, found: tuple[int, ...]) -> None:
    short = PersistentList.of([1, 2, 3, 4])
    short.plus((5,))
    assert short[key] == found


@pytest.mark.parametrize(("key", "found"), [(0, 1), (3, 4), (-1, 4), (-4, 1)])
def test_an_item_is_found_from_either_end(key: int, found: int) -> None:
    short = PersistentList.of([1, 2, 3, 4])
    short.plus((5,))
    assert short[key] == found


@pytest.mark.parametrize("key", [4, -5])
def test_an_item_beyond_the_end_is_refused(key: int) -> None:
    short = PersistentList.of([1, 2, 3, 4])
    short.plus((5,))
    with pytest.raises(IndexError):
        short[key]


def test_a_persistent_list_is_no_tuple() -> None:
    assert PersistentList.of([1]) != (1,)

"""A persistent map answers like a dict, and no put changes a map that was there before."""

from hypothesis import given
from hypothesis import strategies as st

from domain.state.persistent_map import NEWEST_MAX, PersistentMap

PUTS = st.lists(
    st.dictionaries(st.integers(0, 3 * NEWEST_MAX).map(str), st.integers(), max_size=5), max_size=60
)


@given(PUTS)
def test_a_map_after_any_puts_is_what_a_dict_would_be(puts: list[dict[str, int]]) -> None:
    rows_by_id: PersistentMap[int] = PersistentMap()
    expected: dict[str, int] = {}
    for rows in puts:
        before, was = rows_by_id, dict(rows_by_id)
        rows_by_id = rows_by_id.put(rows)
        expected.update(rows)
        assert dict(before) == was
    assert list(rows_by_id) == list(expected)
    assert list(rows_by_id.values()) == list(expected.values())
    assert list(rows_by_id.items()) == list(expected.items())
    assert len(rows_by_id) == len(expected)
    assert rows_by_id == expected
    assert list(rows_by_id.as_dict().items()) == list(expected.items())
    for key in ("0", "1", str(3 * NEWEST_MAX), "none"):
        assert rows_by_id.get(key) == expected.get(key)
        assert (key in rows_by_id) == (key in expected)


def test_rows_that_were_put_together_with_a_table_are_not_shared_with_the_caller() -> None:
    rows = {"a": 1}
    rows_by_id = PersistentMap(rows)
    rows["a"] = 2
    assert rows_by_id["a"] == 1

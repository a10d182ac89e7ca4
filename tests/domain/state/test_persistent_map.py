"""A table answers like a dict, and no put changes a table that was there before."""

from hypothesis import given
from hypothesis import strategies as st

from domain.state.persistent_map import NEWEST_MAX, Table

PUTS = st.lists(
    st.dictionaries(st.integers(0, 3 * NEWEST_MAX).map(str), st.integers(), max_size=5), max_size=60
)


@given(PUTS)
def test_a_table_after_any_puts_is_what_a_dict_would_be(puts: list[dict[str, int]]) -> None:
    table: Table[int] = Table()
    expected: dict[str, int] = {}
    for rows in puts:
        before, was = table, dict(table)
        table = table.put(rows)
        expected.update(rows)
        assert dict(before) == was
    assert list(table) == list(expected)
    assert list(table.values()) == list(expected.values())
    assert list(table.items()) == list(expected.items())
    assert len(table) == len(expected)
    assert table == expected
    for key in ("0", "1", str(3 * NEWEST_MAX), "none"):
        assert table.get(key) == expected.get(key)
        assert (key in table) == (key in expected)


def test_rows_that_were_put_together_with_a_table_are_not_shared_with_the_caller() -> None:
    rows = {"a": 1}
    table = Table(rows)
    rows["a"] = 2
    assert table["a"] == 1

"""Known ids are found in the places in which they stand, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.state import known_ids
from domain.state.known_ids import KnownIds


@given(st.lists(st.text(max_size=3) | st.integers(1, 5), max_size=60))
def test_they_answer_as_a_list_would(steps: list[str | int]) -> None:
    known, expected = KnownIds(), list[str]()
    for step in steps:
        if isinstance(step, int):
            gone = min(step, len(expected))
            known.drop_oldest(gone)
            del expected[:gone]
        else:
            known.add(step)
            expected.append(step)
    for id_ in {*expected, "never", "came"}:
        places = [place for place, held in enumerate(expected) if held == id_]
        assert list(known.places(id_)) == places[::-1]
        assert (id_ in known) is bool(places)


def test_ids_are_found_however_many_came_and_went(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_ids, "STALE_MAX", 10)
    known = KnownIds(f"c{number}" for number in range(50))
    for number in range(50, 2_000):
        known.add(f"c{number}")
        known.drop_oldest(1)
    assert [number for number in range(2_000) if f"c{number}" in known] == list(range(1_950, 2_000))
    assert list(known.places("c1999")) == [49]

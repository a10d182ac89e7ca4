"""A failure says which seed it came of, however deep that was thrown."""

import random

import pytest

from tests.seeds_kit import seeds_in


def _fails_with(seed: int) -> None:
    assert random.Random(seed).random() > 1


def test_the_seed_of_a_failure_is_found_in_the_frames_it_came_through() -> None:
    with pytest.raises(AssertionError) as failure:
        _fails_with(20_261)
    assert seeds_in(failure.tb) == [20_261]


def test_a_failure_without_dice_has_no_seed() -> None:
    assert seeds_in(None) == []

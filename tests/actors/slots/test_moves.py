"""Slots that move while users play: nothing is lost or doubled; every careless move is caught."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.held_slots import HeldSlots
from actors.host.activation import Activation
from actors.slots import moves
from actors.slots.handover import Handover
from actors.transport import slot_router
from persistence import slot_table
from persistence.errors import Corrupt
from tests.actors.slots.moves_kit import HOSTS_MAX, KINDS, Step, play_through, steps_of
from tests.actors.slots.virtual_time_kit import in_virtual_time

Patch = pytest.MonkeyPatch
SEEDS = range(20, 120)
STEPS = st.lists(
    st.builds(
        Step, st.sampled_from(KINDS), st.integers(0, HOSTS_MAX - 1), st.floats(0, 0.5, width=16)
    ),
    max_size=12,
)


@settings(max_examples=20, deadline=None)
@given(STEPS, st.integers(0, 2**32))
def test_whatever_happens_while_slots_move_no_turn_is_lost_or_doubled(
    steps: list[Step], seed: int
) -> None:
    in_virtual_time(play_through(steps, seed))


@pytest.mark.campaign
@pytest.mark.timeout(1_200)
def test_moves_of_a_thousand_seeds_lose_and_double_nothing() -> None:
    for seed in range(1_000):
        in_virtual_time(play_through(steps_of(seed), seed))


def moves_without_snapshots(patch: Patch) -> None:
    """Users of slots that move are forgotten; what the journal has of them stays there alone."""

    async def forget(self: Handover, activation: Activation) -> None:
        if activation.idle:
            self._host.activations.remove(activation)

    async def write_ahead(self: Handover, slots: Sequence[int]) -> None:
        pass

    patch.setattr(Handover, "_forget", forget)
    patch.setattr(Handover, "write_ahead", write_ahead)


def hands_over_before_turns_are_done(patch: Patch) -> None:
    """What was accepted goes on while the other host has the slot already."""

    async def look_once(self: Handover, slots: Sequence[int]) -> bool:
        idle = [activation for activation in self._awake(slots) if activation.idle]
        for activation in idle:
            await self._forget(activation)
        return False

    patch.setattr(Handover, "_forget_idle", look_once)


def goes_on_answering_after_the_move(patch: Patch) -> None:
    """A host serves whoever comes to it."""
    patch.setattr(HeldSlots, "holds", lambda self, user_id: True)


def gives_slots_back_before_the_table_has_settled(patch: Patch) -> None:
    """A write of the table whose answer was lost comes late, and counts."""
    patch.setattr(moves, "settle", slot_table.read_table)


def breaks_a_promise(seed: int) -> bool:
    """Whether a turn is lost or doubled, or the store is left with two for one version."""
    try:
        in_virtual_time(play_through(steps_of(seed), seed))
    except (AssertionError, Corrupt):
        return True
    return False


MUTANTS = [
    moves_without_snapshots,
    hands_over_before_turns_are_done,
    goes_on_answering_after_the_move,
    gives_slots_back_before_the_table_has_settled,
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_careless_move_is_caught(
    mutant: Callable[[Patch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slot_router, "LOOK_SECONDS", 0.001)  # so that more comes together
    mutant(monkeypatch)
    assert any(map(breaks_a_promise, SEEDS))

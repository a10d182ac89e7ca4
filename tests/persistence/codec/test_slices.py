"""A value's slices put together are the value, whatever it is and however small slices are."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.state.receipts import Receipt
from domain.state.user_state import UserState
from persistence.codec import slices
from persistence.codec.slices import json_slices, msgpack_slices
from persistence.codec.snapshots import encode_snapshot, snapshot_slices
from tests.actors.host_kit import Rig, ask, command, grant

SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=40)
        | st.lists(inner, max_size=40).map(tuple)
        | st.dictionaries(st.text(max_size=5), inner, max_size=40)
    ),
    max_leaves=60,
)


@pytest.fixture(autouse=True, scope="module")
def small_slices() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slices, "SLICE_BYTES", 50)
        patch.setattr(slices, "TABLES_MAX", 12)
        yield


@given(VALUES)
def test_slices_put_together_are_what_the_encoder_makes_of_it(value: Any) -> None:
    assert b"".join(json_slices(value)) == msgspec.json.encode(value)
    assert b"".join(msgpack_slices(value)) == msgspec.msgpack.encode(value)


@pytest.mark.parametrize("count", [0, 8, 9, 15, 16, 17, 65_535, 65_536, 70_000])
def test_lists_and_maps_of_every_length_begin_as_msgpack_has_them(count: int) -> None:
    numbers = list(range(count))
    by_name = {f"n{number}": number for number in numbers}
    for value in (numbers, by_name):
        assert b"".join(msgpack_slices(value)) == msgspec.msgpack.encode(value)
        assert b"".join(json_slices(value)) == msgspec.json.encode(value)


def test_no_slice_but_one_of_a_large_row_is_much_more_than_asked_for() -> None:
    rows = [{"id": f"row-{number}", "amount": number} for number in range(500)]
    sizes = [len(slice_) for slice_ in msgpack_slices({"rows": [*rows, {"id": "x" * 1_000}]})]
    assert len(sizes) > 100
    assert sorted(sizes)[-2] < 8 * 50


async def test_a_large_user_s_snapshot_is_the_same_bytes_in_slices() -> None:
    rig = Rig()
    for number in range(30):
        fields = {"quest_id": f"q{number}", "reward": {"items": {f"i{number}": 1}}}
        await ask(rig.host, command("u", f"o{number}", "offer_quest", **fields))
        await ask(rig.host, grant("u", f"c{number}"))
    actor = rig.host.activations.awake["u"].actor
    assert actor is not None
    receipts: list[Receipt] = list(actor.receipts)
    pieces = list(snapshot_slices(actor.durable, receipts))
    assert b"".join(pieces) == encode_snapshot(actor.durable, receipts)
    assert len(pieces) > 30
    nobody = UserState("nobody")
    assert b"".join(snapshot_slices(nobody, ())) == encode_snapshot(nobody, ())

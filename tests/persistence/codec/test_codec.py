"""Snapshots of the newer tables: what is kept, what stays gone, and what older ones lack."""

from domain.state.receipts import Receipts
from domain.state.user_state import UserState
from persistence.codec.raw_snapshots import pack_snapshot, unpack_snapshot
from persistence.codec.snapshots import decode_snapshot, empty_snapshot, encode_snapshot
from tests.domain.script_kit import STRICT, given

PLAYED = given(
    "plan c; offer q need=defeat:wolf:1; start b chapter_id=c hostile.strength=1; attack b; "
    "turn_in q; undo x",
    STRICT,
)


def test_a_state_with_every_table_comes_back_whole_and_knows_every_field() -> None:
    found = decode_snapshot(encode_snapshot(PLAYED, Receipts(9)), "here", 9)
    assert found.state == PLAYED
    assert found.state.repeats.keys() == {"chapter/c"}
    assert len(found.state.history) == 2
    assert found.unknown is None


def test_a_snapshot_from_before_there_was_a_history_has_an_empty_one() -> None:
    older = empty_snapshot("u")
    del older["rows"]["history"], older["rows"]["repeat_tally"]
    found = decode_snapshot(pack_snapshot(older), "here", 9)
    assert found.state == UserState("u")


def test_entries_that_left_for_the_store_do_not_come_back_with_fields_of_a_newer_version() -> None:
    state = UserState("u")
    for _ in range(70):
        state = given("grant 1", STRICT, state)
    newer = unpack_snapshot(encode_snapshot(state, Receipts(9)), "here")
    newer["rows"]["pets"] = ["cat"]
    for entry in newer["rows"]["history"]:
        entry["mood"] = "glad"
    found = decode_snapshot(pack_snapshot(newer), "here", 9)
    cut = found.state.without_history_through(5)
    kept = unpack_snapshot(encode_snapshot(cut, Receipts(9), found.unknown), "here")["rows"]
    assert kept["pets"] == ["cat"]
    assert [one["sequence"] for one in kept["history"]] == list(range(6, 71))
    assert {one["mood"] for one in kept["history"]} == {"glad"}

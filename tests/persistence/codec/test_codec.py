"""Snapshots and decisions come back whole; a field too many or too few is noticed."""

import msgpack
import pytest

from domain.decide.dispatch import decide
from domain.messages.decision import Decision
from domain.state.receipts import Receipt
from persistence.codec.records import decode_decision, encode_decision
from persistence.codec.snapshots import decode_snapshot, encode_snapshot, snapshot_steps
from persistence.codec.unpacking import SLICE_BYTES
from persistence.errors import Corrupt
from tests.domain.script_kit import NEW, SMALL, STRICT, command, given
from tests.persistence.named_snapshot_kit import named, packed

PLAYED = given(
    "story c quests=1 hostiles.minion=2; offer q need=defeat:wolf:1 items.sword=2; "
    "start b chapter_id=c hostile.strength=1 hostile.tier=minion; attack b; turn_in q; undo x",
    STRICT,
)


def test_a_state_with_every_table_comes_back_whole() -> None:
    receipts = [Receipt("c", b"f" * 16, 5, b"decision")]
    read = decode_snapshot(encode_snapshot(PLAYED, receipts), "here")
    assert read.state == PLAYED
    assert read.receipts == receipts
    assert read.state.repeats.keys() == {"chapter/c"}
    assert len(read.state.history) == 4
    assert read.state.chapters["c"].hostile_tiers


def test_no_name_of_a_field_is_stored() -> None:
    payload = encode_snapshot(PLAYED, [])
    assert b"total_xp" not in payload
    assert b"actual_defeat_count" not in payload


def test_a_field_too_many_or_too_few_is_damage() -> None:
    for change in (lambda row: row.update(more=1), lambda row: row.popitem()):
        fields = named(encode_snapshot(PLAYED, []))
        change(fields["rows"]["quest_record"][0])
        with pytest.raises(Corrupt, match="wrong fields"):
            decode_snapshot(packed(fields), "here")


def test_what_is_no_list_of_fields_is_damage() -> None:
    for payload in (b"\xc1", b"\x80", b"\x90", b"\x01"):
        with pytest.raises(Corrupt):
            decode_snapshot(payload, "here")


def test_an_event_is_stored_under_its_tag() -> None:
    decision = decide(NEW, command("grant 100"), 1, SMALL)
    assert isinstance(decision, Decision)
    stored = encode_decision(decision)
    assert [event[0] for event in msgpack.unpackb(stored)[1]] == [
        "experience_granted",
        "level_reached",
    ]
    assert decode_decision(stored, "here") == decision


def test_a_snapshot_is_read_in_steps_of_some_rows_each() -> None:
    state = given("; ".join(f"offer q{number}; turn_in q{number}" for number in range(300)), STRICT)
    payload = encode_snapshot(state, [Receipt("c", b"f" * 16, 600, b"x" * 1_000_000)])
    pauses = list(snapshot_steps(payload, "here"))
    assert len(pauses) >= (len(payload) - 1_000_000) // (2 * SLICE_BYTES)
    assert decode_snapshot(payload, "here").state == state


def test_bytes_behind_a_snapshot_are_damage() -> None:
    with pytest.raises(Corrupt, match="behind its end"):
        decode_snapshot(encode_snapshot(PLAYED, []) + b"\xc0", "here")


def test_an_amount_that_is_no_integer_is_damage() -> None:
    fields = named(encode_snapshot(PLAYED, []))
    fields["rows"]["inventory"]["sword"] = "two"
    with pytest.raises(Corrupt, match="expected a name and an integer"):
        decode_snapshot(packed(fields), "here")

"""What is dropped as torn, what is named as damage, and that neither is ever served (P5)."""

import random
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistence.errors import NewerFormat
from persistence.journal import frame
from persistence.store import Batch
from tests.persistence.journal.frame_kit import (
    BATCHES,
    FRAMES,
    PLACE,
    STARTS,
    WHOLE,
    a_file_of_one_frame_forgives_nothing,
    a_flipped_bit_of_the_last_record_is_never_served,
    decode,
    every_flipped_bit_of_an_earlier_record_is_named,
    refused,
)


def reframed(sound: bytes, **changes: int) -> bytes:
    """`sound` with other header fields, and a header checksum that fits them."""
    names = ("magic", "format", "kind", "reserved", "length", "sequence", "checksum")
    fields = dict(zip(names, struct.unpack_from("<8sBBHIQI", sound), strict=True)) | changes
    header = struct.pack("<8sBBHIQI", *fields.values())
    return header + struct.pack("<I", zlib.crc32(header)) + sound[frame.HEADER_BYTES :]


def test_the_bytes_of_a_frame_never_change() -> None:
    """Golden: format 1 is read for ever (P9)."""
    golden = bytes.fromhex(
        "c1514b46524dc10a0101000007000000"  # magic, format, kind, reserved, length
        "0900000000000000156a2c42ab85910b"  # sequence, two checksums
    )
    assert frame.encode(9, b"payload", frame.JOURNAL) == golden + b"payload"
    assert frame.decode_all(golden + b"payload", PLACE) == ([Batch(9, b"payload")], 39)


def test_whole_frames_come_back_as_they_went_in() -> None:
    assert frame.decode_all(WHOLE, PLACE, 1) == (BATCHES, len(WHOLE))
    assert frame.decode_all(b"", PLACE, 1) == ([], 0)


@pytest.mark.parametrize("cut", range(len(WHOLE)))
def test_a_cut_at_any_byte_leaves_the_whole_frames_before_it(cut: int) -> None:
    whole = [i for i, start in enumerate([*STARTS[1:], len(WHOLE)]) if start <= cut]
    assert frame.decode_all(WHOLE[:cut], PLACE, 1) == (
        BATCHES[: len(whole)],
        ([*STARTS, len(WHOLE)])[len(whole)],
    )


@pytest.mark.parametrize("cut", range(STARTS[2], len(WHOLE)))
def test_a_cut_that_was_filled_up_with_zeros_is_torn_as_well(cut: int) -> None:
    assert decode(WHOLE[:cut] + bytes(len(WHOLE) - cut)) == BATCHES[:2]


@pytest.mark.parametrize("length", [1, 7, 8, 31, 32, 33, 4096])
def test_zeros_at_the_end_are_a_torn_frame(length: int) -> None:
    assert frame.decode_all(WHOLE + bytes(length), PLACE, 1) == (BATCHES, len(WHOLE))


@pytest.mark.parametrize("record", [0, 1])
def test_every_flipped_bit_of_an_earlier_record_is_named(record: int) -> None:
    every_flipped_bit_of_an_earlier_record_is_named(record)


def test_a_flipped_bit_of_the_last_record_is_never_served() -> None:
    a_flipped_bit_of_the_last_record_is_never_served()


def test_a_lost_block_in_the_middle_is_named() -> None:
    for start in range(STARTS[1]):
        damaged = WHOLE[:start] + bytes(8) + WHOLE[start + 8 :]
        assert refused(damaged).offset in (0, STARTS[1])


def test_a_damaged_record_before_a_torn_one_is_named() -> None:
    """The torn one was begun, so the damaged one had been synced: it is not the torn write."""
    for cut in range(1, len(FRAMES[2])):
        damaged = bytearray(WHOLE[: STARTS[2] + cut])
        damaged[STARTS[2] - 1] ^= 1  # in the payload of the second
        assert refused(bytes(damaged)).offset == STARTS[1]


def test_a_damaged_header_before_a_torn_record_is_named_once_the_torn_header_is_whole() -> None:
    for cut in range(frame.HEADER_BYTES, len(FRAMES[2])):
        damaged = bytearray(WHOLE[: STARTS[2] + cut])
        damaged[STARTS[1] + 13] ^= 1  # in the length of the second
        assert refused(bytes(damaged)).offset == STARTS[1]


@pytest.mark.parametrize("garbage", [b"x", b"hello", b"\xff" * 40, b"\xc1QKFRM\xc1x" * 8])
def test_bytes_that_begin_no_frame_are_named(garbage: bytes) -> None:
    assert refused(WHOLE + garbage).offset == len(WHOLE)


CUTS_AND_REPEATS = {
    "a record is missing": (FRAMES[0] + FRAMES[2], STARTS[1]),
    "a record stands twice": (FRAMES[0] + FRAMES[1] + FRAMES[1] + FRAMES[2], STARTS[2]),
    "two records are swapped": (FRAMES[1] + FRAMES[0] + FRAMES[2], 0),
    "the beginning is missing": (FRAMES[1] + FRAMES[2], 0),
    "bytes stand before the first": (b"x" + WHOLE, 0),
    "bytes stand in between": (FRAMES[0] + b"\x00" + FRAMES[1], STARTS[1]),
    "the last one goes back": (FRAMES[0] + FRAMES[1] + FRAMES[0], STARTS[2]),
}


@pytest.mark.parametrize(("data", "offset"), CUTS_AND_REPEATS.values(), ids=CUTS_AND_REPEATS.keys())
def test_a_broken_sequence_is_named(data: bytes, offset: int) -> None:
    assert refused(data).offset == offset


def test_a_newer_format_is_refused_by_its_number() -> None:
    newer = reframed(FRAMES[1], format=frame.FORMAT + 1)
    with pytest.raises(NewerFormat, match=r"has format 2; this Questkeep reads formats up to 1"):
        decode(FRAMES[0] + newer)
    with pytest.raises(NewerFormat):
        frame.decode_one(reframed(FRAMES[0], format=9), PLACE, frame.JOURNAL)


def test_a_snapshot_is_no_journal_batch() -> None:
    snapshot = frame.encode(1, b"first", frame.SNAPSHOT)
    assert "a snapshot where a journal batch was expected" in refused(snapshot).found
    assert "unknown kind 9" in refused(reframed(FRAMES[0], kind=9)).found


def test_a_file_of_one_frame_forgives_nothing() -> None:
    a_file_of_one_frame_forgives_nothing()


payload_lists = st.lists(st.binary(max_size=200), min_size=1, max_size=8)


@given(payload_lists, st.data())
def test_any_cut_of_any_journal_is_a_clean_prefix(
    payloads: list[bytes], data: st.DataObject
) -> None:
    frames = [frame.encode(i, each, frame.JOURNAL) for i, each in enumerate(payloads, start=1)]
    whole = b"".join(frames)
    cut = data.draw(st.integers(0, len(whole)))
    batches, valid_length = frame.decode_all(whole[:cut], PLACE, 1)
    assert [batch.payload for batch in batches] == payloads[: len(batches)]
    assert valid_length == sum(map(len, frames[: len(batches)])) <= cut
    assert len(batches) == len(frames) or valid_length + len(frames[len(batches)]) > cut


@given(payload_lists, st.data())
def test_any_damage_before_the_last_record_is_named(
    payloads: list[bytes], data: st.DataObject
) -> None:
    frames = [frame.encode(i, each, frame.JOURNAL) for i, each in enumerate(payloads, start=1)]
    before = b"".join(frames)
    whole = before + frame.encode(len(frames) + 1, b"last", frame.JOURNAL)
    at = data.draw(st.integers(0, len(before) - 1))
    junk = data.draw(st.binary(min_size=1, max_size=min(40, len(before) - at)))
    damaged = whole[:at] + junk + whole[at + len(junk) :]
    if damaged != whole:
        assert refused(damaged).offset <= at


def test_ten_thousand_random_bytes_in_the_middle_are_named() -> None:
    dice = random.Random(7)
    whole = b"".join(frame.encode(i, dice.randbytes(900), frame.JOURNAL) for i in range(1, 41))
    for _ in range(20):
        at = dice.randrange(len(whole) - 12_000)
        damaged = whole[:at] + dice.randbytes(10_000) + whole[at + 10_000 :]
        assert refused(damaged).offset <= at

"""Three framed batches, and checks that damage in them is named."""

import pytest

from persistence.errors import Corrupt
from persistence.journal import frame
from persistence.store import Batch

PLACE = "journals/users%3A1/x/00000000000000000001.journal"
PAYLOADS = [b"first", b"second, a little longer", b"third"]
FRAMES = [frame.encode(i, payload, frame.JOURNAL) for i, payload in enumerate(PAYLOADS, start=1)]
BATCHES = [Batch(i, payload) for i, payload in enumerate(PAYLOADS, start=1)]
WHOLE = b"".join(FRAMES)
STARTS = [0, len(FRAMES[0]), len(FRAMES[0]) + len(FRAMES[1])]


def decode(data: bytes) -> list[Batch]:
    return frame.decode_all(data, PLACE, 1)[0]


def refused(data: bytes) -> Corrupt:
    with pytest.raises(Corrupt) as caught:
        decode(data)
    assert caught.value.place == PLACE
    assert PLACE in str(caught.value)
    return caught.value


def every_flipped_bit_of_an_earlier_record_is_named(record: int) -> None:
    start, end = STARTS[record], STARTS[record + 1]
    for bit in range(start * 8, end * 8):
        damaged = bytearray(WHOLE)
        damaged[bit // 8] ^= 1 << bit % 8
        assert refused(bytes(damaged)).offset == start


def a_flipped_bit_of_the_last_record_is_never_served() -> None:
    for bit in range(STARTS[2] * 8, len(WHOLE) * 8):
        damaged = bytearray(WHOLE)
        damaged[bit // 8] ^= 1 << bit % 8
        in_the_magic = bit // 8 < STARTS[2] + len(frame.MAGIC)
        if in_the_magic:
            assert refused(bytes(damaged)).offset == STARTS[2]
        else:
            assert decode(bytes(damaged)) == BATCHES[:2]


def a_file_of_one_frame_forgives_nothing() -> None:
    whole = frame.encode(7, b"rows", frame.SNAPSHOT)
    assert frame.decode_one(whole, PLACE, frame.SNAPSHOT) == Batch(7, b"rows")
    for cut in range(len(whole)):
        with pytest.raises(Corrupt):
            frame.decode_one(whole[:cut], PLACE, frame.SNAPSHOT)
    for bit in range(len(whole) * 8):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Corrupt):
            frame.decode_one(bytes(damaged), PLACE, frame.SNAPSHOT)
    with pytest.raises(Corrupt):
        frame.decode_one(whole + b"\x00", PLACE, frame.SNAPSHOT)

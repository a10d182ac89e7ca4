"""Output to a descriptor that is closed, full or stuck: never an error, never a wait."""

import os
from collections.abc import Iterator

import pytest

from gateway.server.output import line_output
from gateway.server.output.line_output import LineOutput

PATIENCE_SECONDS = 20


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            pass  # the test closed it


def read(descriptor: int) -> str:
    return os.read(descriptor, 1 << 20).decode()


def test_lines_are_written_in_order(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    output = LineOutput(writer)
    for number in range(1_000):
        output.write(f"{number}\n")
    assert output.flush(PATIENCE_SECONDS)
    assert read(reader) == "".join(f"{number}\n" for number in range(1_000))


def test_what_the_encoding_has_not_is_written_all_the_same(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    output = LineOutput(writer, "latin-1")
    output.write("Umlaut ü, dash –\n")
    assert output.flush(PATIENCE_SECONDS)
    assert os.read(reader, 100) == b"Umlaut \xfc, dash \\u2013\n"


def test_a_reader_that_is_gone_costs_nothing(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    os.close(reader)
    output = LineOutput(writer)
    for _ in range(100):
        output.write("nobody hears this\n")
    assert output.flush(PATIENCE_SECONDS)


def test_a_disk_that_is_full_costs_nothing() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    output = LineOutput(full)
    output.write("there is no room for this\n")
    assert output.flush(PATIENCE_SECONDS)
    os.close(full)


def test_a_reader_that_does_not_read_holds_nobody_up_and_is_told_what_was_lost(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_output, "WAITING_BYTES_MAX", 200_000)
    reader, writer = pipe
    lost: list[int] = []
    output = LineOutput(writer, on_lost=lost.append)
    line = "x" * 999 + "\n"
    for _ in range(1_000):
        output.write(line)
    assert not output.flush(0.01)
    received = 0
    while not output.flush(0.01):
        received += len(read(reader))
    received += len(read(reader))
    assert 200 <= received / len(line) < 1_000
    assert lost == [1_000 - received // len(line)]


def test_a_line_that_was_cut_off_is_ended_before_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bytes] = []

    def write(_: int, data: bytes) -> int:
        """A disk with room for three bytes, then for none, then for all."""
        if not written:
            written.append(data[:3])
            return 3
        if len(written) == 1:
            written.append(b"")
            raise OSError("no room")
        written.append(data)
        return len(data)

    monkeypatch.setattr(line_output.os, "write", write)
    lost: list[int] = []
    output = LineOutput(-1, on_lost=lost.append)
    output.write("first\n")
    output.write("second\n")
    assert output.flush(PATIENCE_SECONDS)
    assert b"".join(written) == b"fir\nsecond\n"
    while not lost:
        pass
    assert lost == [1]

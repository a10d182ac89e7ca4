"""Unpacking: a large msgpack value read a little at a time, so that other work can be done between.

Not for: what the values mean (`snapshots`), or making them (`slices`).
"""

import io
from collections.abc import Callable, Generator
from typing import Any, TypeVar

import msgpack
import msgspec
from msgspec import Struct

from domain.state.array_form import Row, from_array
from persistence.errors import Corrupt

SLICE_BYTES = 16 * 1024
"""Read between two pauses: less than half a millisecond's work, unless one row is larger."""

Value = TypeVar("Value")

Steps = Generator[None, None, Value]
"""Work in pieces: a pause after each of them, and a value at last."""


def finish(steps: Steps[Value]) -> Value:
    """What the steps lead to, without a pause."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            value: Value = end.value
            return value


class Unpacking:
    """Reads one value from front to back; `place` names where its bytes stood.

    Raises, whatever is read:
        Corrupt: something else stands there, or nothing.
    """

    def __init__(self, data: bytes, place: str) -> None:
        self._unpacker = msgpack.Unpacker(
            io.BytesIO(data), strict_map_key=True, max_buffer_size=0, read_size=SLICE_BYTES
        )
        self._place = place
        self._length = len(data)
        self._paused_at = 0

    def begin_list(self) -> int:
        """Go into a list, whose items come next; returns how many there are."""
        count: int = self._read(self._unpacker.read_array_header)
        return count

    def begin_fields(self, kind: type[Struct]) -> None:
        """Go into the array form of a `kind`, whose fields come next."""
        count, expected = self.begin_list(), len(kind.__struct_fields__)
        if count != expected:
            raise self.corrupt(f"wrong fields: {count} of them, expected {expected}")

    def value(self) -> Any:
        """The next value, whole."""
        return self._read(self._unpacker.unpack)

    def typed(self, kind: type[Value]) -> Value:
        """The next value, which is a `kind`."""
        try:
            return msgspec.convert(self.value(), kind)
        except msgspec.ValidationError as error:
            raise self.corrupt(f"wrong fields: {error}") from None

    def row(self, kind: type[Row]) -> Row:
        """The next value, which is the array form of a `kind`."""
        return self._as_row(kind, self.value())

    def row_or_none(self, kind: type[Row]) -> Row | None:
        """The same where there may be none."""
        values = self.value()
        return None if values is None else self._as_row(kind, values)

    def rows(self, kind: type[Row], take: Callable[[Row], object]) -> Steps[None]:
        """Give every row to `take`; the next value is a list of their array forms."""
        for _ in range(self.begin_list()):
            take(self.row(kind))
            if self._slice_is_full():
                yield

    def keyed_rows(self, kind: type[Row], add: Callable[[Row], int]) -> Steps[None]:
        """The same where each row has a key of its own; `add` says how many keys there are."""
        for count in range(1, self.begin_list() + 1):
            if add(self.row(kind)) != count:
                raise self.corrupt(f"a {kind.__name__} with the key of another row")
            if self._slice_is_full():
                yield

    def amounts(self) -> Steps[dict[str, int]]:
        """The next value, which is a map of names to integers."""
        amounts: dict[str, int] = {}
        for _ in range(self._read(self._unpacker.read_map_header)):
            name, amount = self.value(), self.value()
            if type(name) is not str or type(amount) is not int:
                raise self.corrupt(f"{name!r} of {amount!r}, expected a name and an integer")
            amounts[name] = amount
            if self._slice_is_full():
                yield
        return amounts

    def end(self) -> None:
        """Nothing may come any more."""
        if self._unpacker.tell() != self._length:
            raise self.corrupt("bytes behind its end")

    def corrupt(self, what: str) -> Corrupt:
        """The error that says what stands there."""
        return Corrupt(self._place, 0, what)

    def _as_row(self, kind: type[Row], values: Any) -> Row:
        try:
            return from_array(kind, values)
        except msgspec.ValidationError as error:
            raise self.corrupt(f"wrong fields of a {kind.__name__}: {error}") from None

    def _read(self, read: Any) -> Any:
        try:
            return read()
        except (ValueError, msgpack.UnpackException) as error:
            raise self.corrupt(f"bytes that are no msgpack: {error}") from None

    def _slice_is_full(self) -> bool:
        position = self._unpacker.tell()
        if position - self._paused_at < SLICE_BYTES:
            return False
        self._paused_at = position
        return True

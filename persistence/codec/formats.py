"""Format numbers of stored values: msgpack out and in, and the upgrade of older formats (P9).

Not for: what the values mean (`records`, `snapshots`), or the header in front of framed bytes
(`frame`).
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgpack
import msgspec

from persistence.errors import Corrupt, NewerFormat

FORMAT = 1
"""The newest format of records, snapshots and pages; every older released one is read for ever."""

Upcasters = Mapping[int, Callable[[Any], Any]]
"""What stands under n makes the fields of format n those of n + 1, their number among them.

They run at reading, one after the other, and write nothing back.  Which bytes are read for ever is
in `tests/golden/`.
"""

encode: Callable[[object], bytes] = msgspec.msgpack.Encoder().encode


def unpack(data: bytes, place: str) -> Any:
    """The plain values in `data`; `place` names where it stood.

    Raises:
        Corrupt: it is no msgpack, though its frame's checksum held.
    """
    try:
        return msgpack.unpackb(data, strict_map_key=True)
    except (ValueError, msgpack.UnpackException) as error:
        raise Corrupt(place, 0, f"bytes that are no msgpack: {error}") from None


def upcast(fields: Any, number: object, upcasters: Upcasters, place: str) -> Any:
    """`fields`, written in format `number`, as the newest format has them.

    Raises:
        NewerFormat: a newer Questkeep wrote them.
        Corrupt: `number` is no format.
    """
    if not isinstance(number, int) or number < 1:
        raise Corrupt(place, 0, f"format {number!r}, expected a number from 1 to {FORMAT}")
    if number > FORMAT:
        raise NewerFormat(place, number, FORMAT)
    for older in range(number, FORMAT):
        fields = upcasters[older](fields)
    return fields

"""The format header of a store: the file or object `STORE`, which says what the place is (P9).

Not for: the formats of what is stored in it (`codec.formats`, `frame`).
"""

import json

from persistence.errors import Corrupt, NewerFormat

STORE_FORMAT = 1
"""The newest layout of a store: where its journals, snapshots and notes are."""

HEADER_NAME = "STORE"

_KEY = "questkeep_store_format"


def encode_header() -> bytes:
    """The header of a store that is begun now."""
    return json.dumps({_KEY: STORE_FORMAT}).encode() + b"\n"


def decode_header(content: bytes, place: str) -> int:
    """The store's format; `place` names the header in messages.

    Raises:
        Corrupt: it is no header.
        NewerFormat: a newer Questkeep began this store.
    """
    try:
        number = json.loads(content)[_KEY]
    except (ValueError, LookupError, TypeError):
        number = None
    if not isinstance(number, int):
        raise Corrupt(place, 0, f"no store format in {content[:80]!r}")
    if number > STORE_FORMAT:
        raise NewerFormat(place, number, STORE_FORMAT)
    return number

"""Plain words in refusals: what a value is, and which known name was meant.

Text from outside is shortened, so that a refusal is never much larger than what it refuses.

Not for: what was expected (`error_text` for rules files, the gateway's `schema_text` for commands).
"""

import json
from collections.abc import Iterable
from difflib import get_close_matches

TEXT_SHOWN = 60
"""Characters of a text from outside that are shown."""


def describe_value(value: object) -> str:
    """What `value` is, in a few words, whatever it is and however large."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value) if value.bit_length() <= 128 else "an integer of many digits"
        case float():
            return repr(value)
        case str():
            return json.dumps(shorten(value), ensure_ascii=False)
        case bytes():
            return "bytes"
        case list():
            return f"a list of {len(value)}"
        case dict():
            return f"an object of {len(value)}"
        case _:
            return f"a {type(value).__name__}"


def shorten(text: str) -> str:
    """`text`, cut when it is long."""
    return text if len(text) <= TEXT_SHOWN else text[:TEXT_SHOWN] + "…"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant; None when none is like it."""
    return next(iter(get_close_matches(name, list(known), n=1, cutoff=0.7)), None)

"""Identifiers: which strings may name a user, a quest, a battle, a chapter or a command."""

import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import StringConstraints

_ALPHABET = r"[A-Za-z0-9._:@-]"
# One character that is no dot, or at least three dots: shuts out "." and "..".
ID_PATTERN = rf"^(\.*[A-Za-z0-9_:@-]{_ALPHABET}*|\.\.\.+)$"
ID_LENGTH_MAX = 128
ID_RULE = f"1 to {ID_LENGTH_MAX} of A-Z a-z 0-9 . _ : @ - (not '.' or '..')"

Id = Annotated[str, StringConstraints(strict=True, max_length=ID_LENGTH_MAX, pattern=ID_PATTERN)]

_is_id = re.compile(ID_PATTERN.replace("$", r"\Z")).match
# No id has a line break in it.
_are_ids = re.compile(rf"(?:(?![^\n]{{{ID_LENGTH_MAX + 1}}})(?:{ID_PATTERN[1:-1]})\n)*\Z").match


def is_id(text: str) -> bool:
    """Whether `text` may name a quest, a battle, a chapter or a command."""
    return len(text) <= ID_LENGTH_MAX and _is_id(text) is not None


def are_ids(texts: Iterable[str]) -> bool:
    """Whether every one of them is an id: a tenth of what it takes to ask of each."""
    return _are_ids("\n".join((*texts, ""))) is not None


def is_user_id(text: str) -> bool:
    """Whether `text` may name a user: an id, but not `me`, which stands for the caller."""
    return text != "me" and is_id(text)

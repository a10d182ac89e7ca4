"""History: what was granted to one user, why, and under which rules; append-only.

An entry tells what was planned, what each rule made of it and what came out, so that the past can
be explained after the rules have changed.  Nothing in an entry is ever changed: a grant is undone
by another entry that names it.  Added up, `amount` is the user's `total_xp`.

Not for: making entries (`rewards`, `undo`, `decide.progression`), or for what leaves memory
(`user_state.history_page`).
"""

from enum import StrEnum
from typing import Literal

from msgspec import Struct

from domain.state.rows import Source

HISTORY_TAIL = 64
"""Newest entries of a user that always stay in memory: what `undo_grant` reaches at once."""
HISTORY_PAGE = 256
"""Entries of one stored page.  Pages start at the sequences 1, 257, 513, ..."""


RuleName = Literal["level_difference", "repeat", "over_budget"]
"""The XP modifiers that the rules can have."""


class Factor(Struct, frozen=True, gc=False):
    """What one XP modifier did: the XP before and after it; never the same."""

    rule: RuleName
    before: int
    after: int


class Cause(StrEnum):
    """What made an entry; `cause_id` is the quest's, the battle's or else the command's id."""

    QUEST = "quest"
    BATTLE = "battle"
    GRANT = "grant"
    UNDO = "undo"
    REBASE = "rebase"


class HistoryEntry(Struct, frozen=True, gc=False, omit_defaults=True):
    """What one command granted; an undo's amounts are negative.

    `sequence` counts a user's entries from 1, `version` is the user's version after the command,
    `rules` the fingerprint of the rules that decided.  `chapter_id` names the chapter whose ledger
    got the experience.  `loot` is how often each loot table was opened for it; what dropped is in
    the goods.  `undoes` is the sequence of the entry that this one takes back.
    """

    sequence: int
    version: int
    command_id: str
    at: int
    source: Source
    cause: Cause
    cause_id: str
    planned: int
    amount: int
    level_before: int
    level_after: int
    rules: str
    chapter_id: str | None = None
    factors: tuple[Factor, ...] = ()
    items: dict[str, int] = {}
    currency: dict[str, int] = {}
    affinity: dict[str, int] = {}
    undoes: int | None = None
    loot: dict[str, int] = {}

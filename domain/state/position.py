"""Positions: a version of a user, and the line of versions that it counts in (P10).

Not for: whether a command may have run since one (`domain.decide.once`).
"""

import re

from msgspec import Struct

_POSITION = re.compile(r"(?:([0-9A-Za-z]{1,64})\.)?(0|[1-9][0-9]{0,15})", re.ASCII)


class Position(Struct, frozen=True, array_like=True):
    """`ERA.VERSION`.  Versions of one era follow each other; across eras nothing is comparable."""

    era: str
    version: int

    def __str__(self) -> str:
        return f"{self.era}.{self.version}" if self.era else str(self.version)

    @classmethod
    def parse(cls, text: str) -> "Position | None":
        """The position that `text` names, a bare version one of no era; None where it is none."""
        parts = _POSITION.fullmatch(text)
        return None if parts is None else cls(parts[1] or "", int(parts[2]))

    def precedes(self, later: "Position") -> bool:
        """Whether `later` is the next version of the same era."""
        return self.era == later.era and self.version + 1 == later.version

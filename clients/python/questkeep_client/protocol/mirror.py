"""The confirmed rows of one user, at one position.

`apply` is total: every frame either moves the mirror, says nothing new, or is a gap.  Rows stand as
they came, so that members of a newer server are kept.

Not for: asking for frames (`session`) or typed rows (`user`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from questkeep_client.protocol.problems import Gap

ROW_KEYS = {
    "chapter_progression": "chapter_id",
    "quest_record": "quest_id",
    "battle_state": "battle_id",
    "defeat_counts": "scope",
}
"""Lists of rows, and the member that names a row of each."""
MAPS = ("inventory", "wallet", "affinity")
"""What is counted by name; a change lays its entries over the ones before, 0 is gone."""
SINGLES = ("player_progression",)

Rows = dict[str, Any]


class Position(NamedTuple):
    """Where a user's line of versions stands; the text is `ERA.VERSION`."""

    era: str
    version: int

    def __str__(self) -> str:
        return f"{self.era}.{self.version}"

    def next(self) -> "Position":
        """One version later."""
        return Position(self.era, self.version + 1)

    @classmethod
    def parse(cls, text: str) -> "Position":
        """The position that `text` spells.

        Raises:
            ValueError: it is not `ERA.VERSION`.
        """
        era, dot, version = text.rpartition(".")
        if not (era and dot and version.isdigit()):
            raise ValueError(f"{text!r} is no position: expected ERA.VERSION")
        return cls(era, int(version))


@dataclass(slots=True)
class Mirror:
    """One user as the server showed them; empty until the first `state`."""

    user_id: str
    position: Position | None = None
    rows: Rows = field(default_factory=dict)

    def replace(self, state: Mapping[str, Any]) -> None:
        """Take a `state` frame: everything known before is forgotten."""
        self.position = Position(state["era"], state["version"])
        self.rows = indexed(state)

    def apply(self, version: int, changes: Mapping[str, Any]) -> Position:
        """Take the change of one version; the position after it.

        Raises:
            Gap: it is not the version after the one that is shown, or nothing is shown yet.
        """
        position = self._raised(version, version)
        for name, value in changes.items():
            self._put(name, value)
        self.position = position
        return position

    def skip(self, first: int, version: int) -> None:
        """Take versions `first` to `version`, of which the filter shows nothing.

        Raises:
            Gap: as for `apply`.
        """
        self.position = self._raised(first, version)

    def _raised(self, first: int, version: int) -> Position:
        if self.position is None or first != self.position.version + 1:
            known = "nothing" if self.position is None else f"version {self.position.version}"
            raise Gap(f"{self.user_id}: version {first} came after {known}")
        return Position(self.position.era, version)

    def _put(self, name: str, value: Any) -> None:
        key = ROW_KEYS.get(name)
        if key is not None:
            self.rows.setdefault(name, {}).update({row[key]: row for row in value})
        elif name in MAPS:
            counted = self.rows.get(name, {}) | value
            self.rows[name] = {key: amount for key, amount in counted.items() if amount}
        elif name in SINGLES:
            self.rows[name] = value


def _is_row(name: str) -> bool:
    return name in ROW_KEYS or name in MAPS or name in SINGLES


def indexed(state: Mapping[str, Any]) -> Rows:
    """The rows of a `state` frame, lists of rows by their ids."""
    return {name: _by_id(name, value) for name, value in state.items() if _is_row(name)}


def _by_id(name: str, value: Any) -> Any:
    key = ROW_KEYS.get(name)
    return {row[key]: row for row in value} if key else value

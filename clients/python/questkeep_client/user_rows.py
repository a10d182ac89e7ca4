"""Rows of a user with their types, as they are confirmed now."""

from abc import ABC, abstractmethod
from typing import Any, TypeVar

import msgspec

from questkeep_client import api_types
from questkeep_client.protocol.mirror import Mirror, Position

T = TypeVar("T")


class UserRows(ABC):
    """What is shown of one user.  Before the first state there are no rows: `LookupError`."""

    @property
    @abstractmethod
    def mirror(self) -> Mirror:
        """The confirmed rows."""

    @property
    def position(self) -> Position | None:
        """Era and version of what is shown; None before the first state."""
        return self.mirror.position

    @property
    def progression(self) -> api_types.PlayerProgression:
        return msgspec.convert(self._rows["player_progression"], api_types.PlayerProgression)

    @property
    def chapters(self) -> dict[str, api_types.ChapterProgression]:
        """Plans and ledgers by chapter id."""
        return self._typed("chapter_progression", api_types.ChapterProgression)

    @property
    def quests(self) -> dict[str, api_types.QuestRecord]:
        """Quests by id, settled ones among them."""
        return self._typed("quest_record", api_types.QuestRecord)

    @property
    def battles(self) -> dict[str, api_types.BattleState]:
        """Battles by id, those that are over among them."""
        return self._typed("battle_state", api_types.BattleState)

    @property
    def inventory(self) -> dict[str, int]:
        return dict(self._rows.get("inventory", {}))

    @property
    def wallet(self) -> dict[str, int]:
        return dict(self._rows.get("wallet", {}))

    @property
    def affinity(self) -> dict[str, int]:
        return dict(self._rows.get("affinity", {}))

    @property
    def _rows(self) -> dict[str, Any]:
        if self.mirror.position is None:
            raise LookupError(f"{self.mirror.user_id} is not shown yet: call ready() first")
        return self.mirror.rows

    def _typed(self, name: str, kind: type[T]) -> dict[str, T]:
        return msgspec.convert(self._rows.get(name, {}), dict[str, kind])  # type: ignore[valid-type]

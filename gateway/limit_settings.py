"""Settings of what one user may own.

Not for: checking it (`domain.decide.limits`), or every other setting (`settings`).
"""

from typing import Annotated

from pydantic import BaseModel, Field

from domain.decide.limits import Limits

Rows = Annotated[int, Field(ge=1, le=10_000_000)]

_DEFAULT = Limits()


class LimitSettings(BaseModel):
    """One setting for each of `Limits`, under the same name."""

    items_max: Rows = _DEFAULT.items_max
    currencies_max: Rows = _DEFAULT.currencies_max
    npcs_max: Rows = _DEFAULT.npcs_max
    chapters_max: Rows = _DEFAULT.chapters_max
    quests_max: Rows = _DEFAULT.quests_max
    open_quests_max: Rows = _DEFAULT.open_quests_max
    open_objectives_max: Rows = _DEFAULT.open_objectives_max
    battles_max: Rows = _DEFAULT.battles_max
    open_battles_max: Rows = _DEFAULT.open_battles_max

    @property
    def limits(self) -> Limits:
        """All of them as the rules take them."""
        return Limits(**{name: getattr(self, name) for name in Limits.__struct_fields__})

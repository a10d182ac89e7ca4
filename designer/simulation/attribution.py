"""Attribution: why a chapter paid what it paid, XP by XP.

For every player and chapter, planned XP and all causes add up to the actual XP.

Not for: the rules that shape XP (`domain.game.xp_modifiers`): what they took is read from the
history.
"""

CAUSES: dict[str, str] = {
    "level_difference": "level difference",
    "repeat": "repeat",
    "over_budget": "over budget",
    "side_quests": "side quests left out",
    "lost_fights": "fights lost",
    "avoided_fights": "fights run from",
    "extra_fights": "extra fights",
    "plan_shares": "shares of the plan",
}
"""Name and words of each cause, in the order of reports.

The first three are rules, read from the history; the next four are what players did.  The last is
the plan's own doing: the hostiles of a tier that are still to come share what is left of the tier's
part, so what one did not pay the next ones do (above 0), and what the last ones do not pay nobody
does (below 0).
"""


class Attribution:
    """XP gained (above 0) or lost (below 0) by each cause."""

    __slots__ = ("amounts",)

    def __init__(self) -> None:
        self.amounts = dict.fromkeys(CAUSES, 0)

    def add(self, name: str, xp: int) -> None:
        """So much more, or less, because of this."""
        self.amounts[name] += xp

    def attribute_rest(self, planned: int, actual: int) -> None:
        """What is left over is the plan's own doing."""
        self.amounts["plan_shares"] = actual - planned - sum(self.amounts.values())

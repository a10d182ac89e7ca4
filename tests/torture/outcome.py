"""What a campaign found, and the config it is fought on.

Not for: printing (`report`).
"""

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from tests.torture.system import SystemUnderTest

Progress = Callable[[int, int], None]
"""Told how many of how many are done."""


class Outcome(Struct):
    """One campaign: what was done how often, and what broke.  `figures` are for the table."""

    name: str
    done: int
    wanted: int
    lost: int
    doubled: int
    seconds: float
    figures: dict[str, Any] = {}
    failures: list[str] = []

    @property
    def passed(self) -> bool:
        """Nothing broke, and it was done as often as was wanted."""
        return not (self.lost or self.doubled or self.failures)


def outcome(name: str, system: SystemUnderTest, done: int, wanted: int, began: float) -> Outcome:
    """What the system's checker says."""
    checker = system.checker
    figures: dict[str, Any] = {
        "replies": checker.acknowledged,
        "replayed": checker.replayed,
        "refused": checker.rejected,
        "users": len(checker.histories) + len(checker.retired_users),
    }
    if system.recovery_seconds:
        figures["recovery_p50_ms"] = milliseconds(system.recovery_seconds, 0.5)
        figures["recovery_p99_ms"] = milliseconds(system.recovery_seconds, 0.99)
    return Outcome(
        name,
        done,
        wanted,
        checker.lost,
        checker.doubled,
        round(time.monotonic() - began, 1),
        figures,
        [f"{one.kind}: {one.user_id} {one.command_id}: {one.what}" for one in checker.violations],
    )


def milliseconds(seconds: Sequence[float], share: float) -> float:
    """The duration that `share` of them do not exceed."""
    ordered = sorted(seconds)
    return round(1000 * ordered[max(0, math.ceil(share * len(ordered)) - 1)], 1)

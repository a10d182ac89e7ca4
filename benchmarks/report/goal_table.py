"""What was wanted and what it is, line by line: `results/goals.md` and `results/goals.json`.

Not for: measuring it (`goals`).
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from benchmarks.report.tables import RESULTS


class Goal(NamedTuple):
    """One figure, NaN where it could not be had, and what it should be at least or at most."""

    what: str
    value: float
    unit: str = ""
    least: float | None = None
    most: float | None = None
    dream: float | None = None
    note: str = ""

    @property
    def shown(self) -> str:
        """The figure with its unit, or why there is none."""
        if math.isnan(self.value):
            return f"– {self.note}".rstrip()
        digits = 0 if abs(self.value) >= 100 else 1
        return f"{self.value:,.{digits}f} {self.unit}".rstrip()

    @property
    def wanted(self) -> str:
        """The limit, and in brackets what would be better still."""
        if self.least is None and self.most is None:
            return ""
        sign, limit = ("≥", self.least) if self.most is None else ("≤", self.most)
        better = f" ({self.dream:,.0f})" if self.dream is not None else ""
        return f"{sign} {limit:,g}{better}"

    @property
    def reached(self) -> str:
        """Whether the limit is kept; empty where there is none, or no figure."""
        if not self.wanted or math.isnan(self.value):
            return ""
        kept = self.value >= (self.least or -math.inf) and self.value <= (self.most or math.inf)
        return "yes" if kept else "**no**"


def markdown(goals: Sequence[Goal], missing: Mapping[str, str], facts: Mapping[str, str]) -> str:
    """The table, who is missing and why, and the machine."""
    lines = ["| | measured | goal | reached |", "|---|---:|---:|---|"]
    lines += [f"| {goal.what} | {goal.shown} | {goal.wanted} | {goal.reached} |" for goal in goals]
    lines += ["", *(f"- {name} is missing: {reason}" for name, reason in missing.items())]
    lines += [f"- {key}: {value}" for key, value in facts.items()]
    return "\n".join(lines) + "\n"


def write(goals: Sequence[Goal], missing: Mapping[str, str], facts: Mapping[str, str]) -> str:
    """Write both files; the table's text."""
    text = markdown(goals, missing, facts)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "goals.md").write_text(text, encoding="utf-8")
    rows = [
        {**goal._asdict(), "value": None if math.isnan(goal.value) else goal.value}
        for goal in goals
    ]
    found = {"goals": rows, "missing": dict(missing), "machine": dict(facts)}
    (RESULTS / "goals.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return text

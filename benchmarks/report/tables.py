"""What the limits' benchmarks found, as a table for people and as JSON, in `benchmarks/results/`.

Not for: the comparison with peers (`summary`).
"""

import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.load.clients import Seen
from benchmarks.setup import machine

RESULTS = Path(__file__).parents[1] / "results"


class Figure(NamedTuple):
    """One measured number: what it is, how it came out, and what it must at least or most be."""

    what: str
    value: float
    unit: str
    wanted: str = ""

    @property
    def shown(self) -> str:
        """The number with its unit."""
        digits = 0 if abs(self.value) >= 100 else 2
        return f"{self.value:,.{digits}f} {self.unit}"


def rate(seen: Sequence[Seen], seconds: float) -> float:
    """Answers with 200 a second."""
    return sum(one.status == 200 for one in seen) / seconds


def latency(what: str, seen: Sequence[Seen], wanted: str = "") -> list[Figure]:
    """The middle and the slowest hundredth; `wanted` is about the latter.  None without answers."""
    if len(seen) < 2:
        return []
    percentiles = statistics.quantiles((one.seconds * 1e3 for one in seen), n=100)
    return [
        Figure(f"… {what}, p50", percentiles[49], "ms"),
        Figure(f"… {what}, p99", percentiles[98], "ms", wanted),
    ]


def write(name: str, title: str, figures: Sequence[Figure], notes: Sequence[str] = ()) -> str:
    """Write `NAME.md` and `NAME.json`, with the machine's facts beside them; the table's text."""
    facts = machine.facts()
    lines = [title, "", "| | measured | wanted |", "|---|---:|---:|"]
    lines += [f"| {one.what} | {one.shown} | {one.wanted} |" for one in figures]
    lines += ["", *(f"- {note}" for note in notes)]
    lines += [f"- {key}: {value}" for key, value in facts.items()]
    text = "\n".join(lines) + "\n"
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.md").write_text(text, encoding="utf-8")
    found = {
        "title": title,
        "figures": [one._asdict() for one in figures],
        "notes": list(notes),
        "machine": facts,
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return text

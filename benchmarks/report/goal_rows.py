"""The lines of the table of goals: from what was measured to a figure with its goal beside it.

Not for: measuring (`goals`), or how a line looks (`goal_table`).
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.load.batch_clients import Form
from benchmarks.load.traffic import Traffic
from benchmarks.report.goal_table import Goal
from benchmarks.report.tables import Figure

BRIEF = Traffic(16, batch=100, form=Form("msgpack", minimal=True))
BRIEF_JSON = Traffic(16, batch=100, form=Form("json", minimal=True))
WHOLE = Traffic(16, batch=100)
AT_64, AT_256 = Traffic(64), Traffic(256)
BATCHES = (BRIEF, BRIEF_JSON, WHOLE)
SINGLES = (AT_64, AT_256)
WANTED: dict[str, tuple[float | None, float | None]] = {
    "redis": (4, 1),
    "postgres": (6, 3),
    "workerd": (15, None),
}
"""How many times a peer's turn-ins: one by one, and both in batches."""
TEN_TIMES = "10 times the clients: answered with 200"
CHECKPOINT_CPU = "CPU of the hosts for a command, without"


@dataclass
class Figures:
    """What was measured of whom, and why some of it was not.

    Attributes:
        measured: medians by peer and traffic; Questkeep is `one host` and `two hosts`.
        growth: lines of `flatness`.
        scenarios: other benchmarks' figures, by the benchmark's and the line's name.
        missing: reasons, by the step's name.
    """

    measured: dict[tuple[str, Traffic], dict[str, float]] = field(default_factory=dict)
    growth: list[Figure] = field(default_factory=list)
    scenarios: dict[str, dict[str, float]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def of(self, name: str, traffic: Traffic, what: str = "rate") -> float:
        """A figure; NaN where there is none."""
        return self.measured.get((name, traffic), {}).get(what, math.nan)


def all_rows(figures: Figures) -> list[Goal]:
    """Every line, also of what is missing."""
    return [
        *rate_rows(figures),
        *peer_rows(figures),
        *cost_rows(figures),
        *growth_rows(figures),
        *overload_rows(figures),
        *checkpoint_rows(figures),
    ]


def rate_rows(figures: Figures) -> list[Goal]:
    """Questkeep's own rates."""
    of = figures.of
    return [
        Goal(f"{BRIEF.name}: one host", of("one host", BRIEF), "/s", least=45_000, dream=60_000),
        Goal("… two hosts", of("two hosts", BRIEF), "/s", least=45_000, dream=60_000),
        Goal("… p99", of("one host", BRIEF, "p99_ms"), "ms", most=50),
        Goal(f"{WHOLE.name}: one host", of("one host", WHOLE), "/s", least=35_000, dream=45_000),
        Goal("… two hosts", of("two hosts", WHOLE), "/s", least=35_000, dream=45_000),
        Goal("one by one, 256 connections", of("one host", AT_256), "/s", 20_000, dream=25_000),
        Goal("… p99", of("one host", AT_256, "p99_ms"), "ms"),
        Goal("one by one, 64 connections", of("one host", AT_64), "/s"),
        Goal("… p99", of("one host", AT_64, "p99_ms"), "ms", most=10),
    ]


def peer_rows(figures: Figures) -> list[Goal]:
    """Each peer's rates, and how many times as many Questkeep's are: like with like."""
    rows = []
    for name, (single, batched) in WANTED.items():
        for traffic, least in ((AT_256, single), (WHOLE, batched), (BRIEF_JSON, batched)):
            theirs = figures.of(name, traffic)
            ours = figures.of("one host", traffic)
            rows.append(Goal(f"{name}, {traffic.name}", theirs, "/s"))
            rows.append(Goal("… p99", figures.of(name, traffic, "p99_ms"), "ms"))
            rows.append(Goal("… Questkeep, one host, is", _times(ours, theirs), "×", least=least))
    return rows


def _times(figure: float, other: float) -> float:
    """How many times the other one; NaN where that is none or nothing."""
    return figure / other if other else math.nan


def cost_rows(figures: Figures) -> list[Goal]:
    """CPU and bytes of a turn-in in a batch."""

    def of(field: str) -> float:
        return figures.of("one host", BRIEF, field)

    everything = of("front_us") + of("other_us") + of("client_us")
    return [
        Goal(f"CPU of a turn-in, {BRIEF.name}", everything, "us", most=35),
        Goal("… gateway", of("front_us"), "us", most=7),
        Goal("… host, and Ray", of("other_us"), "us"),
        Goal("journal of a turn-in", of("journal_bytes"), "bytes", most=450),
        Goal("… sent to the disk, journal and snapshots", of("disk_bytes"), "bytes"),
    ]


def growth_rows(figures: Figures) -> list[Goal]:
    """Rate and CPU as what is stored grows."""
    if not figures.growth:
        return [Goal("the rate as what is stored grows", math.nan)]
    return [Goal(row.what, row.value, row.unit, *_limits(row.wanted)) for row in figures.growth]


def _limits(wanted: str) -> tuple[float | None, float | None]:
    """The least and the most that "at least N" and "at most N" allow."""
    word, _, number = wanted.rpartition(" ")
    return (
        float(number) if word == "at least" else None,
        float(number) if word == "at most" else None,
    )


def by_name(rows: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """A benchmark's figures by their lines' names; what begins with "…" by the line above too."""
    figures, head = {}, ""
    for row in rows:
        what = row["what"]
        if what.startswith("…"):
            what = f"{head} {what}"
        else:
            head = what
        figures[what] = row["value"]
    return figures


def overload_rows(figures: Figures) -> list[Goal]:
    """Ten times the clients of the peak."""
    of = _scenario(figures, "overload")
    return [
        Goal("peak, one grant a request", of("peak"), "/s"),
        Goal("goodput with ten times the clients", of(f"{TEN_TIMES} … of the peak"), "%", least=90),
        Goal("… normal again after", of("normal again after"), "s", most=5),
    ]


def checkpoint_rows(figures: Figures) -> list[Goal]:
    """What users notice of checkpoints."""
    of = _scenario(figures, "checkpoints")
    p99 = _times(of("p99 without … with"), of("p99 without"))
    cpu = _times(of(f"{CHECKPOINT_CPU} … with"), of(CHECKPOINT_CPU))
    rate = of("commands without checkpoints … of those without")
    return [
        Goal("rate while checkpoints never end", rate, "% of that without", least=90),
        Goal("… p99", p99, "× that without", most=2),
        Goal("… CPU of a command", cpu, "× that without"),
    ]


def _scenario(figures: Figures, name: str) -> Callable[[str], float]:
    """Figures of another benchmark by their lines' names; NaN where there is none."""
    rows = figures.scenarios.get(name, {})
    return lambda what: rows.get(what, math.nan)

"""`python -m benchmarks --short`: one table of what is wanted of Questkeep, and what it is.

Every peer runs all its shapes of traffic on one server, in turn, round after round, judged at the
end.  What cannot be had or breaks is named in the table; the rest is measured all the same.

Not for: the comparison with every number of connections (`python -m benchmarks`).
"""

import json
import math
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks import flatness
from benchmarks.comparison.harness import FAILURES, described, measure, progress, takes
from benchmarks.load.batch_clients import Form
from benchmarks.load.runs import Run
from benchmarks.load.traffic import Traffic
from benchmarks.peers.contract import Peer
from benchmarks.peers.postgres.peer import Postgres
from benchmarks.peers.questkeep.peer import Questkeep
from benchmarks.peers.redis.peer import Redis
from benchmarks.peers.workerd.peer import Workerd
from benchmarks.report import tables
from benchmarks.report.goal_table import Goal, write
from benchmarks.report.summary import medians
from benchmarks.setup import machine
from benchmarks.setup.processes import ROOT
from benchmarks.setup.provision import Unavailable

ROUNDS, WARM_UP_SECONDS, SECONDS = 3, 0.5, 2.0
BRIEF = Traffic(16, batch=100, form=Form("msgpack", minimal=True))
BRIEF_JSON = Traffic(16, batch=100, form=Form("json", minimal=True))
WHOLE = Traffic(16, batch=100)
AT_64, AT_256 = Traffic(64), Traffic(256)
BATCHES = (BRIEF, BRIEF_JSON, WHOLE)
SINGLES = (AT_64, AT_256)
SCENARIO_SECONDS = 600.0

Measured = dict[tuple[str, Traffic], dict[str, float]]


class Figures:
    """What was measured of whom, and why some of it was not.  Each run is `rounds` × `seconds`."""

    def __init__(self, rounds: int = ROUNDS, seconds: float = SECONDS) -> None:
        self.rounds = rounds
        self.seconds = seconds
        self.measured: Measured = {}
        self.missing: dict[str, str] = {}

    def add(self, name: str, peer: Peer, traffics: Sequence[Traffic]) -> None:
        """Measure a peer's first setting under this name; a failure is kept as a reason."""
        setting = peer.settings[0]
        taken = [traffic for traffic in traffics if takes(peer, traffic)]

        def say(traffic: Traffic, run: Run) -> None:
            progress(described(peer, setting, traffic, run))

        try:
            peer.install()
            runs = measure(peer, setting, taken, self.rounds, WARM_UP_SECONDS, self.seconds, say)
        except (Unavailable, *FAILURES) as reason:
            self.missing[name] = str(reason).strip().splitlines()[0]
            progress(f"{name} is missing: {reason}")
            return
        for traffic, each in zip(taken, runs, strict=True):
            self.measured[name, traffic] = medians(each)

    def of(self, name: str, traffic: Traffic, field: str = "rate") -> float:
        """A figure; NaN where there is none."""
        return self.measured.get((name, traffic), {}).get(field, math.nan)


def main(only: Sequence[str] | None, rounds: int | None, seconds: int | None) -> int:
    """Measure and write the table; 1 if something could not be measured.

    `only` leaves out peers that it does not name; Questkeep's own figures are always there.
    `rounds` and `seconds` say how often each shape of traffic has its turn, and how long.
    """
    facts, figures = machine.facts(), Figures(rounds or ROUNDS, seconds or SECONDS)
    one, two = Questkeep("packed", [1]), Questkeep("packed", [2])
    figures.add("one host", one, BATCHES + SINGLES)
    figures.add("two hosts", two, BATCHES)
    for peer in (Redis(), Postgres(), Workerd()):
        if not only or peer.name in only:
            figures.add(peer.name, peer, (BRIEF_JSON, WHOLE, *SINGLES))
    rows = [
        *rate_rows(figures),
        *peer_rows(figures),
        *cost_rows(figures),
        *growth_rows(figures.seconds),
    ]
    rows += scenario("overload", ["--seconds", f"{10 * figures.seconds}"], _overload)
    rows += scenario("checkpoints", ["--seconds", f"{1.5 * figures.seconds}"], _checkpoints)
    print(write(rows, figures.missing, facts))
    return 1 if any(math.isnan(row.value) for row in rows) else 0


def rate_rows(figures: Figures) -> list[Goal]:
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


WANTED: dict[str, tuple[float | None, float | None]] = {
    "redis": (4, 1),
    "postgres": (6, 3),
    "workerd": (15, None),
}
"""How many times a peer's turn-ins: one by one, and both in batches."""


def peer_rows(figures: Figures) -> list[Goal]:
    """Each peer's rates, and how many times as many Questkeep's are: like with like."""
    rows = []
    for name, (single, batched) in WANTED.items():
        for traffic, least in ((AT_256, single), (WHOLE, batched), (BRIEF_JSON, batched)):
            theirs = figures.of(name, traffic)
            ours = figures.of("one host", traffic)
            rows.append(Goal(f"{name}, {traffic.name}", theirs, "/s"))
            rows.append(Goal("… p99", figures.of(name, traffic, "p99_ms"), "ms"))
            rows.append(Goal("… Questkeep, one host, is", ours / theirs, "×", least=least))
    return rows


def cost_rows(figures: Figures) -> list[Goal]:
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


def growth_rows(seconds: float) -> list[Goal]:
    try:
        rows = flatness.figures(flatness.CASES, lambda case: flatness.measure(case, seconds))
    except (*FAILURES, Unavailable) as reason:
        progress(f"flatness: {reason}")
        return [Goal("the rate as what is stored grows", math.nan, note=str(reason))]
    return [Goal(row.what, row.value, row.unit, *_limits(row.wanted)) for row in rows]


def _limits(wanted: str) -> tuple[float | None, float | None]:
    """The least and the most that "at least N" and "at most N" allow."""
    word, _, number = wanted.rpartition(" ")
    return (
        float(number) if word == "at least" else None,
        float(number) if word == "at most" else None,
    )


Pick = Callable[[dict[str, Any]], list[Goal]]


def _overload(found: dict[str, Any]) -> list[Goal]:
    return [
        Goal("peak, one grant a request", found["peak"], "/s"),
        Goal("goodput with ten times the clients", found["… of the peak"], "%", least=90),
        Goal("… normal again after", found["normal again after"], "s", most=5),
    ]


def _checkpoints(found: dict[str, Any]) -> list[Goal]:
    p99 = found["… with"] / found["p99 without"]
    return [
        Goal("rate while checkpoints never end", found["… of those without"], "%", least=90),
        Goal("… p99 is", p99, "× of that without", most=2),
    ]


def scenario(name: str, arguments: Sequence[str], pick: Pick) -> list[Goal]:
    """A benchmark of its own, in a process of its own, and what counts of its figures."""
    argv = [sys.executable, "-m", f"benchmarks.{name}", *arguments]
    progress(f"{name} ...")
    try:
        done = subprocess.run(argv, cwd=ROOT, capture_output=True, timeout=SCENARIO_SECONDS)
        if done.returncode != 0:
            raise OSError(done.stderr.decode("utf-8", "replace").strip().splitlines()[-1])
        text = (tables.RESULTS / f"{name}.json").read_text(encoding="utf-8")
        # Where two rows have one name, the later one counts.
        return pick({row["what"]: row["value"] for row in json.loads(text)["figures"]})
    except (OSError, subprocess.SubprocessError, KeyError, IndexError) as reason:
        progress(f"{name} is missing: {reason}")
        return [Goal(name, math.nan, note=str(reason))]

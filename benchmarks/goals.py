"""`python -m benchmarks --short`: one table of what is wanted of Questkeep, and what it is.

Every peer runs its shapes of traffic on one server, in turn, round after round, judged at the end:
batches on one, single commands on another.  What cannot be had or breaks is named in the table; the
rest is measured all the same.  The table is written after each step.

Not for: the table's lines (`goal_rows`), or the comparison with every number of connections
(`python -m benchmarks`).
"""

import json
import math
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from benchmarks import flatness
from benchmarks.comparison.harness import described, measure, progress, takes
from benchmarks.load.runs import Run
from benchmarks.load.traffic import Traffic
from benchmarks.peers.contract import Peer
from benchmarks.peers.postgres.peer import Postgres
from benchmarks.peers.questkeep.peer import Questkeep
from benchmarks.peers.redis.peer import Redis
from benchmarks.peers.workerd.peer import Workerd
from benchmarks.report import goal_rows, tables
from benchmarks.report.goal_rows import BATCHES, SINGLES, Figures
from benchmarks.report.goal_table import write
from benchmarks.report.summary import medians
from benchmarks.setup import machine
from benchmarks.setup.processes import ROOT

ROUNDS, WARM_UP_SECONDS, SECONDS = 3, 0.5, 2.0
BUDGET_SECONDS = 720.0
SCENARIO_SECONDS = 600.0


class Step(NamedTuple):
    """One part of the table: how long it takes on an idle machine, and how it is measured."""

    name: str
    seconds: float
    measure: Callable[[], None]


class Measuring:
    """Measures into `figures`: `rounds` runs of `seconds` with each shape of traffic."""

    def __init__(self, rounds: int | None = None, seconds: float | None = None) -> None:
        self.figures = Figures()
        self.rounds = rounds or ROUNDS
        self.seconds = seconds or SECONDS
        self.budget = math.inf if rounds or seconds else BUDGET_SECONDS
        self._began = time.monotonic()

    def take(self, step: Step) -> None:
        """Measure it; if it breaks, or no time is left, keep why."""
        if time.monotonic() - self._began + step.seconds > self.budget:
            self.figures.missing[step.name] = "no time was left"
            return
        try:
            step.measure()
        except Exception as error:  # whatever it is: the other lines count all the same
            lines = str(error).strip().splitlines() or [repr(error)]
            self.figures.missing[step.name] = lines[0]
            progress(f"{step.name} is missing: {traceback.format_exc()}")

    def compare(self, name: str, peer: Peer, traffics: Sequence[Traffic]) -> None:
        """A peer's first setting, with every traffic that it takes."""
        setting = peer.settings[0]
        taken = [traffic for traffic in traffics if takes(peer, traffic)]

        def say(traffic: Traffic, run: Run) -> None:
            progress(described(peer, setting, traffic, run))

        peer.install()
        runs = measure(peer, setting, taken, self.rounds, WARM_UP_SECONDS, self.seconds, say)
        for traffic, each in zip(taken, runs, strict=True):
            self.figures.measured[name, traffic] = medians(each)

    def grow(self) -> None:
        """The rate as what is stored grows."""
        self.figures.growth = flatness.figures(
            flatness.CASES, lambda case: flatness.measure(case, self.seconds)
        )

    def run(self, name: str, *arguments: str) -> None:
        """A benchmark of its own, in a process of its own."""
        argv = [sys.executable, "-m", f"benchmarks.{name}", *arguments]
        progress(f"{name} ...")
        done = subprocess.run(argv, cwd=ROOT, capture_output=True, timeout=SCENARIO_SECONDS)
        if done.returncode != 0:
            end = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise RuntimeError(end[-1] if end else f"ended with {done.returncode}")
        text = (tables.RESULTS / f"{name}.json").read_text(encoding="utf-8")
        self.figures.scenarios[name] = goal_rows.by_name(json.loads(text)["figures"])


def main(only: Sequence[str] | None, rounds: int | None, seconds: int | None) -> int:
    """Measure and write the table; 1 if something could not be measured.

    `only` leaves out peers that it does not name; Questkeep's own figures are always there.
    `rounds` and `seconds` say how often each shape of traffic has its turn, and how long; with one
    of them it takes as long as it takes.
    """
    facts, measuring = machine.facts(), Measuring(rounds, seconds)
    for step in steps(measuring, only):
        measuring.take(step)
        text = table(measuring.figures, facts)
    print(text)
    return 1 if measuring.figures.missing else 0


def steps(measuring: Measuring, only: Sequence[str] | None) -> list[Step]:
    """What is measured, what matters most first."""

    def batches(name: str, seconds: float, peer: Peer) -> Step:
        return Step(f"{name}, batches", seconds, lambda: measuring.compare(name, peer, BATCHES))

    def singles(name: str, seconds: float, peer: Peer) -> Step:
        return Step(f"{name}, one by one", seconds, lambda: measuring.compare(name, peer, SINGLES))

    def scenario(name: str, seconds: float, *arguments: str) -> Step:
        return Step(name, seconds, lambda: measuring.run(name, *arguments))

    peers: list[Peer] = [Redis(), Postgres(), Workerd()]
    peers = [peer for peer in peers if not only or peer.name in only]
    one, two, length = Questkeep("packed", [1]), Questkeep("packed", [2]), measuring.seconds
    return [
        batches("one host", 90, one),
        singles("one host", 55, one),
        *(batches(peer.name, 35, peer) for peer in peers),
        *(singles(peer.name, 35, peer) for peer in peers),
        scenario("overload", 75, "--seconds", f"{10 * length}"),
        scenario("checkpoints", 50, "--seconds", f"{1.5 * length}"),
        batches("two hosts", 80, two),
        Step("growth", 150, measuring.grow),
    ]


def table(figures: Figures, facts: Mapping[str, str]) -> str:
    """Write what is known by now, and give the text."""
    return write(goal_rows.all_rows(figures), figures.missing, facts)

"""Measures peers in turn: every setting tried once, then rounds (A B C, A B C) with the best.

Every number comes from a server started from nothing, probed before the load and counted after it.

Not for: tables and pictures (`report`).
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from math import ceil
from subprocess import SubprocessError

from benchmarks import check
from benchmarks.dataset import make_dataset
from benchmarks.load import Broken, Load, OutOfQuests, Run
from benchmarks.peer import Peer, Setting, Unavailable
from benchmarks.processes import DidNotStart

FAILURES = (DidNotStart, Broken, check.Wrong, OSError, SubprocessError, HTTPException)
"""How a peer can break.  Anything else is a mistake in the bench itself, and ends it."""
SEEDED_MIN = 10
"""Quests for each user at least."""


@dataclass(frozen=True)
class Plan:
    """How long and how often.  `trial_seconds` 0: no trial, each peer's first setting is it."""

    connections: Sequence[int]
    seconds: int
    warm_up_seconds: int
    rounds: int
    trial_seconds: int


@dataclass(frozen=True)
class Measurement:
    """One run of one peer.  `round` 0 is the trial of settings."""

    peer: str
    setting: str
    connections: int
    round: int
    run: Run


class Harness:
    """Runs a plan over peers, and remembers what came of it.

    Attributes:
        measured: every run that counts.
        failed: peer and reason, of those that broke; they are not run again.
        absent: peer and reason, of those that cannot be had here.
    """

    def __init__(self, peers: Sequence[Peer], plan: Plan) -> None:
        self.measured: list[Measurement] = []
        self.failed: dict[str, str] = {}
        self.absent: dict[str, str] = {}
        self._peers = list(peers)
        self._plan = plan

    def run(self, after_round: Callable[[int], None] = lambda _: None) -> None:
        """All of it.  A peer that fails is left out of what follows; the others go on."""
        for peer in self._peers:
            self._install(peer)
        if self._plan.trial_seconds:
            for peer in self._present():
                self._trial(peer)
        for number in range(1, self._plan.rounds + 1):
            for connections in self._plan.connections:
                for peer in self._present():
                    setting = self.best(peer, connections)
                    self._measure(peer, setting, connections, number, self._plan.seconds)
            after_round(number)

    def best(self, peer: Peer, connections: int) -> Setting:
        """The setting that was fastest in the trial at this many connections."""
        tried = {
            one.setting: one.run.rate
            for one in self.measured
            if (one.peer, one.connections, one.round) == (peer.name, connections, 0)
        }
        return max(peer.settings, key=lambda setting: tried.get(setting.name, 0.0))

    def _present(self) -> list[Peer]:
        gone = self.failed.keys() | self.absent.keys()
        return [peer for peer in self._peers if peer.name not in gone]

    def _install(self, peer: Peer) -> None:
        try:
            peer.install()
        except Unavailable as reason:
            self.absent[peer.name] = str(reason)
            _apply(f"{peer.name}: left out: {reason}")

    def _trial(self, peer: Peer) -> None:
        for connections in self._plan.connections:
            for setting in peer.settings:
                if peer.name not in self.failed:
                    self._measure(peer, setting, connections, 0, self._plan.trial_seconds)

    def _measure(
        self, peer: Peer, setting: Setting, connections: int, number: int, seconds: int
    ) -> None:
        try:
            run = measure(peer, setting, connections, self._plan.warm_up_seconds, seconds)
        except Unavailable as reason:
            self.absent[peer.name] = str(reason)
            _apply(f"{peer.name}: left out: {reason}")
            return
        except FAILURES as reason:
            self.failed[peer.name] = f"{setting.name}, {connections} connections: {reason}"
            _apply(f"{peer.name}: FAILED: {self.failed[peer.name]}")
            return
        self.measured.append(Measurement(peer.name, setting.name, connections, number, run))
        _apply(
            f"{'trial' if number == 0 else f'round {number}'}  {peer.name:14} "
            f"{setting.name:28} {connections:5} connections {run.rate:9,.0f}/s  "
            f"p50 {run.p50_ms:8.2f} ms  p99 {run.p99_ms:8.2f} ms  "
            f"wrk {run.client_cores:.2f} cores"
        )


def measure(
    peer: Peer, setting: Setting, connections: int, warm_up_seconds: int, seconds: int
) -> Run:
    """One run from start to stop; repeated with more quests when they did not last.

    Raises:
        DidNotStart, Broken, check.Wrong: the peer failed; what it started is stopped.
    """
    quests = max(SEEDED_MIN, ceil(peer.rate * (seconds + warm_up_seconds) / peer.users))
    if not peer.keeps:
        quests = sys.maxsize
    while True:
        dataset = make_dataset(peer.users, quests)
        try:
            url = peer.start(setting, dataset)
            if peer.keeps:
                check.probe(url, dataset)
            run = Load(url, dataset).run(connections, warm_up_seconds, seconds)
            if peer.keeps:
                check.judge(dataset, peer.stored(), run.answered, run.sent)
            return run
        except OutOfQuests:
            quests *= 3
        finally:
            peer.stop()


def _apply(line: str) -> None:
    print(line, file=sys.stderr, flush=True)

"""Measures peers in turn: every setting tried once, then rounds (A B C, A B C) with the best.

Every number comes from a server started from nothing, probed before the load and counted after it.

Not for: tables and pictures (`summary`).
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from math import ceil
from subprocess import SubprocessError

from benchmarks.comparison import check
from benchmarks.load.batch_clients import Refused
from benchmarks.load.runs import Load, Run
from benchmarks.load.traffic import Broken, OutOfQuests, Traffic
from benchmarks.peers.contract import Peer, Setting
from benchmarks.setup.processes import DidNotStart
from benchmarks.setup.provision import Unavailable
from benchmarks.users.dataset import make_dataset

FAILURES = (DidNotStart, Refused, Broken, check.Wrong, OSError, SubprocessError, HTTPException)
"""How a peer can break.  Anything else is a mistake in the bench itself, and ends it."""
SEEDED_MIN = 10
"""Quests for each user at least."""


@dataclass(frozen=True)
class Plan:
    """How long and how often.  `trial_seconds` 0: no trial, each peer's first setting is it."""

    traffics: Sequence[Traffic]
    seconds: int
    warm_up_seconds: int
    rounds: int
    trial_seconds: int


@dataclass(frozen=True)
class Measurement:
    """One run of one peer.  `round` 0 is the trial of settings."""

    peer: str
    setting: str
    traffic: Traffic
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
            for traffic in self._plan.traffics:
                for peer in self._present(traffic):
                    self._trial(peer, traffic)
        for number in range(1, self._plan.rounds + 1):
            for traffic in self._plan.traffics:
                for peer in self._present(traffic):
                    setting = self.best(peer, traffic)
                    self._measure(peer, setting, traffic, number, self._plan.seconds)
            after_round(number)

    def best(self, peer: Peer, traffic: Traffic) -> Setting:
        """The setting that was fastest in the trial with this traffic."""
        tried = {
            trial.setting: trial.run.rate
            for trial in self.measured
            if (trial.peer, trial.traffic, trial.round) == (peer.name, traffic, 0)
        }
        return max(peer.settings, key=lambda setting: tried.get(setting.name, 0.0))

    def _present(self, traffic: Traffic) -> list[Peer]:
        """Those that still run, and take this traffic."""
        gone = self.failed.keys() | self.absent.keys()
        return [peer for peer in self._peers if peer.name not in gone and takes(peer, traffic)]

    def _install(self, peer: Peer) -> None:
        try:
            peer.install()
        except Unavailable as reason:
            self.absent[peer.name] = str(reason)
            progress(f"{peer.name}: left out: {reason}")

    def _trial(self, peer: Peer, traffic: Traffic) -> None:
        for setting in peer.settings:
            if peer.name not in self.failed:
                self._measure(peer, setting, traffic, 0, self._plan.trial_seconds)

    def _measure(
        self, peer: Peer, setting: Setting, traffic: Traffic, number: int, seconds: int
    ) -> None:
        try:
            [[run]] = measure(peer, setting, [traffic], 1, self._plan.warm_up_seconds, seconds)
        except Unavailable as reason:
            self.absent[peer.name] = str(reason)
            progress(f"{peer.name}: left out: {reason}")
            return
        except FAILURES as reason:
            self.failed[peer.name] = f"{setting.name}, {traffic.name}: {reason}"
            progress(f"{peer.name}: FAILED: {self.failed[peer.name]}")
            return
        self.measured.append(Measurement(peer.name, setting.name, traffic, number, run))
        when = "trial" if number == 0 else f"round {number}"
        progress(f"{when}  {described(peer, setting, traffic, run)}")


def takes(peer: Peer, traffic: Traffic) -> bool:
    """Whether a peer understands this traffic."""
    if not traffic.batch:
        return True
    return peer.batch_rate > 0 and (peer.msgpack or traffic.form.media == "json")


def measure(
    peer: Peer,
    setting: Setting,
    traffics: Sequence[Traffic],
    rounds: int,
    warm_up_seconds: float,
    seconds: float,
    watch: Callable[[Traffic, Run], None] = lambda *_: None,
) -> list[list[Run]]:
    """From start to stop: for each traffic its runs, which take turns on one server.

    Repeated with more quests when they did not last.  `watch` hears of each run as it ends.

    Raises:
        DidNotStart, Broken, check.Wrong: the peer failed; what it started is stopped.
    """
    rates = sum(peer.batch_rate if traffic.batch else peer.rate for traffic in traffics)
    quests = max(SEEDED_MIN, ceil(rates * rounds * (seconds + warm_up_seconds) / peer.users))
    if not peer.keeps:
        quests = sys.maxsize
    batches = any(traffic.batch for traffic in traffics)
    while True:
        dataset = make_dataset(peer.users, quests)
        runs: list[list[Run]] = [[] for _ in traffics]
        try:
            url = peer.start(setting, dataset)
            probed = check.probe(url, dataset, batches) if peer.keeps else 0
            load = Load(url, dataset, peer.usage)
            for _ in range(rounds):
                for traffic, measured in zip(traffics, runs, strict=True):
                    measured.append(load.run(traffic, warm_up_seconds, seconds))
                    watch(traffic, measured[-1])
            if peer.keeps:
                check.judge(dataset, peer.stored(), probed, load.answered, load.sent)
            return runs
        except OutOfQuests:
            quests *= 3
            progress(f"{peer.name}: quests ran out; once more with {quests:,} for each user")
        finally:
            peer.stop()


def described(peer: Peer, setting: Setting, traffic: Traffic, run: Run) -> str:
    """A run as a line."""
    return (
        f"{peer.name:14} {setting.name:26} {traffic.name:46} {run.rate:9,.0f}/s  "
        f"p50 {run.p50_ms:8.2f} ms  p99 {run.p99_ms:8.2f} ms  "
        f"CPU {run.front_us:5.1f} + {run.other_us:5.1f} + {run.client_us:5.1f} us"
    )


def progress(line: str) -> None:
    """Say it where tables do not go."""
    print(line, file=sys.stderr, flush=True)

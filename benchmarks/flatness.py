"""Does the rate stay as what is stored grows?  Batches beside many settled quests and many users.

    python -m benchmarks.flatness

Each dataset has a server of its own, started from nothing: 1,000 users with 50, 400 and 2,000
settled quests beside those that are turned in, then 100,000 users.  Everybody is in memory when
the load begins.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.comparison.harness import progress
from benchmarks.load.batch_clients import Form
from benchmarks.load.runs import Load, Run
from benchmarks.load.traffic import Traffic
from benchmarks.peers.questkeep.peer import Questkeep
from benchmarks.report import tables
from benchmarks.report.tables import Figure
from benchmarks.setup import exclusive
from benchmarks.setup.processes import end_as_errors_do
from benchmarks.users import stocked_store
from benchmarks.users.dataset import Dataset, make_dataset

TRAFFIC = Traffic(16, batch=100, form=Form("msgpack", minimal=True))
WARM_UP_SECONDS, SECONDS = 0.5, 2.0
RATE_MAX = 60_000
USERS, MANY_USERS = 1_000, 100_000
SETTLED = (50, 400, 2_000)


class Case(NamedTuple):
    """One dataset; users who have settled quests come from a store that was filled before."""

    users: int
    settled: int = 0

    @property
    def name(self) -> str:
        """In a few words."""
        past = f", {self.settled:,} settled quests each" if self.settled else ""
        return f"{self.users:,} users{past}"


CASES = (*(Case(USERS, settled) for settled in SETTLED), Case(USERS), Case(MANY_USERS))


class Stocked(Questkeep):
    """A packed Questkeep whose users have a past."""

    def __init__(self, case: Case, host_count: int) -> None:
        super().__init__("packed", [host_count])
        self.users = case.users
        self._settled = case.settled

    def stock(self, store: Path, dataset: Dataset) -> None:
        """Fill the store with users who have settled quests."""
        if self._settled:
            stocked_store.stock(store, dataset, self._settled)

    def seed(self, dataset: Dataset) -> None:
        """Wake those who came with the store; else as ever."""
        if self._settled:
            self.read_progressions()
        else:
            super().seed(dataset)


def measure(case: Case, seconds: float = SECONDS, host_count: int = 1) -> Run:
    """One run on a server of its own.  Raises what `harness.FAILURES` lists."""
    quests = round(RATE_MAX * (seconds + WARM_UP_SECONDS) / case.users) + 1
    dataset = make_dataset(case.users, quests)
    peer = Stocked(case, host_count)
    try:
        url = peer.start(peer.settings[0], dataset)
        return Load(url, dataset, peer.usage).run(TRAFFIC, WARM_UP_SECONDS, seconds)
    finally:
        peer.stop()


def figures(cases: Sequence[Case], run: Callable[[Case], Run] = measure) -> list[Figure]:
    """Rate and CPU of each, beside the first one with as many settled quests or with none."""
    rows: list[Figure] = []
    firsts: dict[bool, Run] = {}
    for case in cases:
        measured = run(case)
        first = firsts.setdefault(bool(case.settled), measured)
        progress(f"{case.name}: {measured.rate:,.0f}/s, {measured.all_us:.1f} us")
        rows += [
            Figure(case.name, measured.rate, "/s"),
            Figure("… CPU of a turn-in", measured.all_us, "us"),
        ]
        if measured is not first:
            share = 100 * measured.rate / first.rate
            rows.append(Figure("… of the rate with fewest", share, "%", "at least 90"))
            cost = 100 * measured.all_us / first.all_us
            rows.append(Figure("… of the CPU with fewest", cost, "%", "at most 110"))
    return rows


def main() -> None:
    """Measure, print the table and write it."""
    end_as_errors_do()
    with exclusive.only_one():
        rows = figures(CASES)
    print(tables.write("flatness", f"Turn-ins by {TRAFFIC.name}, as what is stored grows.", rows))


if __name__ == "__main__":
    main()

"""The load on one server: runs of one shape of traffic after another, each with a warm-up.

Every turn-in is of a fresh quest with a command id of its own.

Not for: sending (`wrk`, `batched_load`), or judging what the server did (`check`).
"""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.load import batched_load, wrk
from benchmarks.load.traffic import OutOfQuests, Stretch, Traffic
from benchmarks.load.usage import Usage
from benchmarks.users.dataset import Dataset


@dataclass(frozen=True)
class Run:
    """What clients saw, and what it took: CPU in microseconds a turn-in, disk in bytes a turn-in.

    `front_us` is of the processes that take HTTP, `other_us` of everything behind them.
    """

    rate: float
    p50_ms: float
    p99_ms: float
    client_cores: float
    client_us: float
    front_us: float
    other_us: float
    disk_bytes: float
    journal_bytes: float

    @property
    def all_us(self) -> float:
        """CPU of a turn-in: client, front and what is behind it."""
        return self.client_us + self.front_us + self.other_us


class Load:
    """Load on one server from its start to its end.

    Attributes:
        answered: turn-ins that were accepted so far, warm-ups included.
        sent: the most that can have been sent.
    """

    def __init__(self, url: str, dataset: Dataset, usage: Callable[[], Usage] = Usage) -> None:
        self.answered = 0
        self.sent = 0
        self._url = url
        self._dataset = dataset
        self._usage = usage

    def run(self, traffic: Traffic, warm_up_seconds: float, seconds: float) -> Run:
        """A warm-up, then a measured run that goes on where that one ended.

        Raises:
            OutOfQuests: there were not enough; the numbers would mix in refusals.
            Broken: a request was refused, or a connection broke.
        """
        self._stretch(traffic, warm_up_seconds)
        before = self._usage()
        measured = self._stretch(traffic, seconds)
        used = self._usage().since(before)
        # What was on its way when the time was over has cost something too.
        each = 1 / max(1, measured.answered + measured.answered_late)
        return Run(
            rate=measured.answered / measured.seconds,
            p50_ms=measured.p50_ms,
            p99_ms=measured.p99_ms,
            client_cores=measured.client_seconds / measured.seconds,
            client_us=measured.client_seconds * each * 1e6,
            front_us=used.front_seconds * each * 1e6,
            other_us=used.other_seconds * each * 1e6,
            disk_bytes=used.disk_bytes * each,
            journal_bytes=used.journal_bytes * each,
        )

    def _stretch(self, traffic: Traffic, seconds: float) -> Stretch:
        """One uninterrupted stretch of load."""
        users = self._dataset.users
        if traffic.batch:
            # A batch has one quest of each of its users: begin where all have theirs.
            self.sent = -(-self.sent // users) * users
        send = batched_load.send if traffic.batch else wrk.send
        stretch = send(self._url, self._dataset, traffic, seconds, self.sent)
        self.sent = stretch.sent
        self.answered += stretch.answered + stretch.answered_late
        if self.sent > users * self._dataset.quests:
            raise OutOfQuests
        return stretch

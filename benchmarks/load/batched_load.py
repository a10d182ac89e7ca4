"""The load in batches: a service that turns in quests of many users with each request.

Not for: the requests themselves (`batch_clients`).
"""

import asyncio
import statistics
import time
from collections.abc import Iterator

import uvloop

from benchmarks.load.batch_clients import BatchClients, Batches, Refused
from benchmarks.load.traffic import Broken, OutOfQuests, Stretch, Traffic
from benchmarks.users.dataset import PROBE_QUESTS, Dataset

PATIENCE_SECONDS = 120.0


def send(url: str, dataset: Dataset, traffic: Traffic, seconds: float, first: int) -> Stretch:
    """Turn-ins from number `first` on (the first user's), for so many seconds.

    Raises:
        OutOfQuests: there were not enough.
        Broken: a command was refused, a connection broke, or an answer is long overdue.
    """
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_send(url, dataset, traffic, seconds, first))
    except Refused as refused:
        raise Broken(f"not every turn-in was accepted: {refused}") from None
    except TimeoutError:
        raise Broken(f"a batch was not answered within {PATIENCE_SECONDS:.0f} s") from None


async def _send(
    url: str, dataset: Dataset, traffic: Traffic, seconds: float, first: int
) -> Stretch:
    token, size = dataset.service_token(), traffic.batch
    batches = Batches(url, token, traffic.form, dataset.users, size)
    requests = _Counted(
        batches.turn_ins(PROBE_QUESTS + first // dataset.users),
        (dataset.users * dataset.quests - first) // size,
    )
    clients = BatchClients(requests)
    began, spent = time.perf_counter(), time.process_time()
    await clients.connect(url, traffic.connections)
    await asyncio.sleep(seconds)
    lasted, answered = time.perf_counter() - began, len(clients.answered)
    spent = time.process_time() - spent
    clients.stop()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await clients.wait()
    if requests.ran_out:
        raise OutOfQuests
    if not answered:  # a slow server: until all were answered, then
        lasted, answered = time.perf_counter() - began, len(clients.answered)
    percentiles = statistics.quantiles((each.seconds * 1e3 for each in clients.answered), n=100)
    return Stretch(
        answered=answered * size,
        answered_late=(len(clients.answered) - answered) * size,
        sent=first + requests.count * size,
        seconds=lasted,
        p50_ms=percentiles[49],
        p99_ms=percentiles[98],
        client_seconds=spent,
    )


class _Counted(Iterator[bytes]):
    """At most so many requests, and how many were taken."""

    def __init__(self, requests: Iterator[bytes], limit: int) -> None:
        self._requests = requests
        self._limit = limit
        self.count = 0
        self.ran_out = False

    def __next__(self) -> bytes:
        if self.count >= self._limit:
            self.ran_out = True
            raise StopIteration
        self.count += 1
        return next(self._requests)

"""What the gateway counts, and snapshots of it: plain numbers that can travel and be added up.

Labels are routes, statuses, codes and command types: a fixed, small set.  Never a user id: it would
make a series for each user, and tell who plays.

Counting is plain integers on the one event loop, because it happens for every request; Prometheus's
own counters take a lock each time and cost ten times as much.

Not for: tracing one request (`logs`), or Prometheus's text (`prometheus`).
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable

import msgspec
from msgspec import Struct

from actors.cluster.contract import Activity, UserDirectory

BUCKET_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
"""Upper bounds of the latency histogram's buckets; one more holds whatever took longer."""
_BUCKETS = len(BUCKET_SECONDS) + 1


class Latency(Struct, array_like=True):
    """How long the requests of one route took.

    Attributes:
        buckets: how many fell into each bucket of `BUCKET_SECONDS`, and above the last.
        seconds: of all of them together.
    """

    buckets: list[int]
    seconds: float


class MetricsSnapshot(Struct):
    """Everything one gateway has counted, or several together.

    Attributes:
        requests: by method, route, status and code.
        latencies: by route.
        commands: by type and outcome.
    """

    requests: dict[tuple[str, str, int, str], int]
    latencies: dict[str, Latency]
    commands: dict[tuple[str, str], int]
    in_flight: int
    activity: Activity
    live: "LiveCounts"


class LiveCounts(Struct):
    """What live connections of one gateway, or several, have come to.

    Attributes:
        connections: that are open now.
        closes: how many ended with each code.
        resumes: how many clients were told what they missed: by `changes`, or why not; over HTTP,
            too.
    """

    connections: int = 0
    closes: dict[int, int] = {}
    resumes: dict[str, int] = {}


EMPTY = MetricsSnapshot({}, {}, {}, 0, Activity(0, 0, 0, 0), LiveCounts())


class Metrics:
    """The counters of one gateway."""

    def __init__(self, directory: UserDirectory, in_flight: Callable[[], int]) -> None:
        self._requests: dict[tuple[str, str, int, str], int] = {}
        self._latencies: dict[str, Latency] = {}
        self._commands: dict[tuple[str, str], int] = {}
        self._directory = directory
        self._in_flight = in_flight
        self.resumes: Counter[str] = Counter()
        """Clients who knew a position, by how they were told what they missed."""
        self.live: Callable[[], LiveCounts] = LiveCounts
        """Asked for what the live connections have come to."""

    def request(self, method: str, route: str, status: int, code: str, seconds: float) -> None:
        """Count one request.  `route` is a template, never a path."""
        key = (method, route, status, code)
        self._requests[key] = self._requests.get(key, 0) + 1
        latency = self._latencies.get(route)
        if latency is None:
            latency = self._latencies[route] = Latency([0] * _BUCKETS, 0.0)
        latency.buckets[bisect_left(BUCKET_SECONDS, seconds)] += 1
        latency.seconds += seconds

    def commands(self, outcomes: Iterable[tuple[str, str]]) -> None:
        """Count commands: of each its type, one that exists, and its outcome."""
        counts = self._commands
        for key in outcomes:
            counts[key] = counts.get(key, 0) + 1

    def snapshot(self) -> MetricsSnapshot:
        """The counters as they are now; read them before the event loop goes on."""
        return MetricsSnapshot(
            self._requests,
            self._latencies,
            self._commands,
            self._in_flight(),
            self._directory.activity(),
            self.live(),
        )


def total(snapshots: Iterable[MetricsSnapshot]) -> MetricsSnapshot:
    """The sum over several gateways."""
    requests: Counter[tuple[str, str, int, str]] = Counter()
    commands: Counter[tuple[str, str]] = Counter()
    latencies: dict[str, Latency] = {}
    activities = []
    in_flight = live = 0
    closes: Counter[int] = Counter()
    resumes: Counter[str] = Counter()
    for snapshot in snapshots:
        requests.update(snapshot.requests)
        commands.update(snapshot.commands)
        for route, latency in snapshot.latencies.items():
            latencies[route] = _added(latencies.get(route), latency)
        in_flight += snapshot.in_flight
        activities.append(snapshot.activity)
        live += snapshot.live.connections
        closes.update(snapshot.live.closes)
        resumes.update(snapshot.live.resumes)
    return MetricsSnapshot(
        dict(requests),
        latencies,
        dict(commands),
        in_flight,
        Activity.total(activities),
        LiveCounts(live, dict(closes), dict(resumes)),
    )


def without_gauges(snapshot: MetricsSnapshot) -> MetricsSnapshot:
    """What stays of a gateway that is gone: what it did, not what it was doing."""
    activity = msgspec.structs.replace(
        snapshot.activity, users_active=0, users_hibernated=0, journals=(), hosts_away=()
    )
    live = msgspec.structs.replace(snapshot.live, connections=0)
    return msgspec.structs.replace(snapshot, in_flight=0, activity=activity, live=live)


def _added(latency: Latency | None, other: Latency) -> Latency:
    if latency is None:
        return other
    buckets = [a + b for a, b in zip(latency.buckets, other.buckets, strict=True)]
    return Latency(buckets, latency.seconds + other.seconds)

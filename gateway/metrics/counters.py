"""What the gateway counts.

Labels are routes, statuses, codes and command types: a fixed, small set.  Never a user id: it would
make a series for each user, and tell who plays.

Counting is plain integers on the one event loop, because it happens for every request; Prometheus's
own counters take a lock each time and cost ten times as much.

Not for: tracing one request (`logs`), or what is read (`metrics_text`).
"""

import os
from bisect import bisect_left
from collections.abc import Callable

from actors.cluster.contract import Cluster
from gateway.metrics.counts import Counts, Latency
from gateway.metrics.prometheus import BUCKET_SECONDS, as_text

_BUCKETS = len(BUCKET_SECONDS) + 1


class Metrics:
    """The counters of one gateway."""

    def __init__(self, cluster: Cluster, in_flight: Callable[[], int]) -> None:
        self._requests: dict[tuple[str, str, int, str], int] = {}
        self._latencies: dict[str, Latency] = {}
        self._commands: dict[tuple[str, str], int] = {}
        self._cluster = cluster
        self._in_flight = in_flight

    def request(self, method: str, route: str, status: int, code: str, seconds: float) -> None:
        """Count one request.  `route` is a template, never a path."""
        key = (method, route, status, code)
        self._requests[key] = self._requests.get(key, 0) + 1
        latency = self._latencies.get(route)
        if latency is None:
            latency = self._latencies[route] = Latency([0] * _BUCKETS, 0.0)
        latency.buckets[bisect_left(BUCKET_SECONDS, seconds)] += 1
        latency.seconds += seconds

    def command(self, command_type: str, outcome: str) -> None:
        """Count one command of a type that exists."""
        key = (command_type, outcome)
        self._commands[key] = self._commands.get(key, 0) + 1

    def counts(self) -> Counts:
        """The counters as they are now; read them before the event loop goes on."""
        return Counts(
            self._requests,
            self._latencies,
            self._commands,
            self._in_flight(),
            self._cluster.activity(),
        )

    async def text(self) -> bytes:
        """Everything, as Prometheus reads it, of this gateway alone."""
        return as_text(self.counts(), {1: os.getpid()})

"""What the gateway counts, as Prometheus text.

Labels are routes, statuses, codes and command types: a fixed, small set.  Never a user id: it would
make a series for each user, and tell who plays.

Counting is plain integers on the one event loop, because it happens for every request; Prometheus's
own counters take a lock each time and cost ten times as much.  They are made into Prometheus
families only when somebody reads.

Not for: tracing one request (`logs`).
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import accumulate

from prometheus_client import (
    CollectorRegistry,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from actors.cluster import Cluster

TEXT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
_BOUNDS = [f"{bound:g}" for bound in _SECONDS] + ["+Inf"]

disable_created_metrics()  # type: ignore[no-untyped-call]  # half of the text, of no use here


class _Latency:
    """How long the requests of one route took."""

    __slots__ = ("buckets", "seconds")

    def __init__(self) -> None:
        self.buckets = [0] * len(_BOUNDS)
        self.seconds = 0.0


class Metrics:
    """The counters of one gateway, in a registry of their own."""

    def __init__(self, cluster: Cluster, in_flight: Callable[[], int]) -> None:
        self._requests: dict[tuple[str, str, int, str], int] = {}
        self._latencies: dict[str, _Latency] = {}
        self._commands: dict[tuple[str, str], int] = {}
        self._cluster = cluster
        self._in_flight = in_flight
        self._registry = CollectorRegistry()
        self._registry.register(_Families(self._families))
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)

    def request(self, method: str, route: str, status: int, code: str, seconds: float) -> None:
        """Count one request.  `route` is a template, never a path."""
        key = (method, route, status, code)
        self._requests[key] = self._requests.get(key, 0) + 1
        latency = self._latencies.get(route)
        if latency is None:
            latency = self._latencies[route] = _Latency()
        latency.buckets[bisect_left(_SECONDS, seconds)] += 1
        latency.seconds += seconds

    def command(self, command_type: str, outcome: str) -> None:
        """Count one command of a type that exists."""
        key = (command_type, outcome)
        self._commands[key] = self._commands.get(key, 0) + 1

    def text(self) -> bytes:
        """Everything, as Prometheus reads it."""
        return generate_latest(self._registry)

    def _families(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "questkeep_http_requests",
            "Requests answered.",
            labels=["method", "route", "status", "code"],
        )
        for (method, route, status, code), count in self._requests.items():
            requests.add_metric([method, route, str(status), code], count)
        yield requests
        seconds = HistogramMetricFamily(
            "questkeep_http_request_seconds",
            "From a request's first byte to its answer.",
            labels=["route"],
        )
        for route, latency in self._latencies.items():
            buckets = list(zip(_BOUNDS, accumulate(latency.buckets), strict=True))
            seconds.add_metric([route], buckets, latency.seconds)
        yield seconds
        commands = CounterMetricFamily(
            "questkeep_commands",
            "Commands by type and by what became of them (ok, or the refusal's code).",
            labels=["type", "outcome"],
        )
        for (command_type, outcome), count in self._commands.items():
            commands.add_metric([command_type, outcome], count)
        yield commands
        in_flight = "Requests being answered."
        yield GaugeMetricFamily("questkeep_http_requests_in_flight", in_flight, self._in_flight())
        yield from self._activity()

    def _activity(self) -> Iterator[Metric]:
        """The cluster's numbers as they are now."""
        now = self._cluster.activity()
        active = "Users in memory now."
        yield GaugeMetricFamily("questkeep_users_active", active, now.users_active)
        asleep = "Those of them kept small until their next message."
        yield GaugeMetricFamily("questkeep_users_asleep", asleep, now.users_asleep)
        for name, help_text, value in (
            ("activations", "Users brought into memory.", now.activations),
            ("passivations", "Users that left memory.", now.passivations),
            ("retries", "Messages sent again because an actor died.", now.retries),
        ):
            yield CounterMetricFamily(f"questkeep_user_{name}", help_text, value)


class _Families(Collector):
    """Makes the families at each reading, so that nothing is counted twice."""

    def __init__(self, families: Callable[[], Iterator[Metric]]) -> None:
        self._families = families

    def describe(self) -> Iterator[Metric]:
        """Name nothing now: the cluster may not have started."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """What there is now."""
        return self._families()

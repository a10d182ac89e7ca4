"""What the gateway counts, as Prometheus text.

Labels are routes, statuses, codes and command types: a fixed, small set.  Never a user id: it would
make a series for each user, and tell who plays.

Not for: tracing one request (`logs`).
"""

from collections.abc import Iterator

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from actors.cluster import Cluster

TEXT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)

disable_created_metrics()  # type: ignore[no-untyped-call]  # half of the text, of no use here


class Metrics:
    """The counters of one gateway, in a registry of their own."""

    def __init__(self, cluster: Cluster) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "questkeep_http_requests",
            "Requests answered.",
            ["method", "route", "status", "code"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "questkeep_http_request_seconds",
            "From a request's first byte to its answer.",
            ["route"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._commands = Counter(
            "questkeep_commands",
            "Commands by type and by what became of them (ok, or the refusal's code).",
            ["type", "outcome"],
            registry=self._registry,
        )
        self.in_flight = Gauge(
            "questkeep_http_requests_in_flight", "Requests being answered.", registry=self._registry
        )
        self._registry.register(_ClusterActivity(cluster))
        # Looking a series up by its labels takes longer than counting: each is looked up once.
        self._by_request: dict[tuple[str, str, int, str], tuple[Counter, Histogram]] = {}
        self._by_command: dict[tuple[str, str], Counter] = {}
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)

    def request(self, method: str, route: str, status: int, code: str, seconds: float) -> None:
        """Count one request.  `route` is a template, never a path."""
        key = (method, route, status, code)
        found = self._by_request.get(key)
        if found is None:
            count = self._requests.labels(method, route, str(status), code)
            found = self._by_request[key] = (count, self._seconds.labels(route))
        count, histogram = found
        count.inc()
        histogram.observe(seconds)

    def command(self, command_type: str, outcome: str) -> None:
        """Count one command of a type that exists."""
        key = (command_type, outcome)
        found = self._by_command.get(key)
        if found is None:
            found = self._by_command[key] = self._commands.labels(command_type, outcome)
        found.inc()

    def text(self) -> bytes:
        """Everything, as Prometheus reads it."""
        return generate_latest(self._registry)


class _ClusterActivity(Collector):
    """Asks the cluster at each reading, so that nothing is counted twice."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def describe(self) -> Iterator[Metric]:
        """Name nothing now: the cluster may not have started."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """The cluster's numbers as they are now."""
        now = self._cluster.activity()
        active = "Users in memory now."
        yield GaugeMetricFamily("questkeep_users_active", active, now.users_active)
        for name, help_text, value in (
            ("activations", "Users brought into memory.", now.activations),
            ("passivations", "Users that left memory.", now.passivations),
            ("retries", "Messages sent again because an actor died.", now.retries),
        ):
            yield CounterMetricFamily(f"questkeep_user_{name}", help_text, value)

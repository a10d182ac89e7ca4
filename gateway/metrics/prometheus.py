"""A snapshot of the counters as Prometheus text.

It is made into Prometheus families only when somebody reads.

Not for: counting, or adding up (`counters`).
"""

from collections.abc import Callable, Iterator, Mapping
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

from actors.cluster.contract import Activity
from gateway.metrics.counters import BUCKET_SECONDS, LiveCounts, MetricsSnapshot

TEXT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
_BOUNDS = [f"{bound:g}" for bound in BUCKET_SECONDS] + ["+Inf"]

disable_created_metrics()  # type: ignore[no-untyped-call]  # half of the text, of no use here


def as_text(snapshot: MetricsSnapshot, gateways: Mapping[int, int]) -> bytes:
    """Everything, as Prometheus reads it.

    `gateways` says which process each gateway is: its number from 1, its process id.
    """
    registry = CollectorRegistry()
    registry.register(_Families(lambda: _families(snapshot)))
    registry.register(_Families(lambda: _gateway_families(gateways)))
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return generate_latest(registry)


def _families(snapshot: MetricsSnapshot) -> Iterator[Metric]:
    requests = CounterMetricFamily(
        "questkeep_http_requests",
        "Requests answered.",
        labels=["method", "route", "status", "code"],
    )
    for (method, route, status, code), count in snapshot.requests.items():
        requests.add_metric([method, route, str(status), code], count)
    yield requests
    seconds = HistogramMetricFamily(
        "questkeep_http_request_seconds",
        "From a request's first byte to its answer.",
        labels=["route"],
    )
    for route, latency in snapshot.latencies.items():
        buckets = list(zip(_BOUNDS, accumulate(latency.buckets), strict=True))
        seconds.add_metric([route], buckets, latency.seconds)
    yield seconds
    commands = CounterMetricFamily(
        "questkeep_commands",
        "Commands by type and by what became of them (ok, or the refusal's code).",
        labels=["type", "outcome"],
    )
    for (command_type, outcome), count in snapshot.commands.items():
        commands.add_metric([command_type, outcome], count)
    yield commands
    in_flight = "Requests being answered."
    yield GaugeMetricFamily("questkeep_http_requests_in_flight", in_flight, snapshot.in_flight)
    yield from _live(snapshot.live)
    yield from _activity(snapshot.activity)


def _live(live: LiveCounts) -> Iterator[Metric]:
    """Live connections: how many, how they end, how they resume."""
    open_now = "Live connections that are open."
    yield GaugeMetricFamily("questkeep_live_connections", open_now, live.connections)
    closes = CounterMetricFamily(
        "questkeep_live_closes", "Live connections that ended, by close code.", labels=["code"]
    )
    for code, count in live.closes.items():
        closes.add_metric([str(code)], count)
    yield closes
    resumes = CounterMetricFamily(
        "questkeep_live_resumes",
        "Clients that were told what they missed: by changes, or by a state, and why.",
        labels=["how"],
    )
    for how, count in live.resumes.items():
        resumes.add_metric([how], count)
    yield resumes


def _activity(now: Activity) -> Iterator[Metric]:
    """The cluster's numbers."""
    active = "Users in memory now."
    yield GaugeMetricFamily("questkeep_users_active", active, now.users_active)
    asleep = "Those of them kept small until their next message."
    yield GaugeMetricFamily("questkeep_users_asleep", asleep, now.users_hibernated)
    for name, help_text, value in (
        ("activations", "Users brought into memory.", now.activations),
        ("passivations", "Users that left memory.", now.passivations),
        ("retries", "Messages sent again because an actor died.", now.retries),
    ):
        yield CounterMetricFamily(f"questkeep_user_{name}", help_text, value)
    died = "Processes of hosts that ended without being asked to."
    yield CounterMetricFamily("questkeep_host_deaths", died, now.host_deaths)
    away = GaugeMetricFamily(
        "questkeep_host_away", "1 while the users of a host are not served.", labels=["slot"]
    )
    for host in sorted({journal.host for journal in now.journals}.union(now.hosts_away)):
        away.add_metric([host.rpartition(":")[2]], host in now.hosts_away)
    yield away
    batches = GaugeMetricFamily(
        "questkeep_journal_batches", "Batches in a host's journal.", labels=["slot"]
    )
    folding = GaugeMetricFamily(
        "questkeep_journal_fold_seconds",
        "How long a host folded what the one before it left, when it opened last.",
        labels=["slot"],
    )
    for journal in now.journals:
        slot = journal.host.rpartition(":")[2]
        batches.add_metric([slot], journal.batches)
        folding.add_metric([slot], journal.fold_seconds)
    yield batches
    yield folding


def _gateway_families(gateways: Mapping[int, int]) -> Iterator[Metric]:
    """What each gateway process costs, one series each: unlike counts these make no sum."""
    running = "Gateway processes that answer on the port."
    yield GaugeMetricFamily("questkeep_gateways", running, len(gateways))
    cpu = CounterMetricFamily(
        "questkeep_gateway_cpu_seconds", "CPU time of one gateway process.", labels=["gateway"]
    )
    memory = GaugeMetricFamily(
        "questkeep_gateway_resident_bytes", "Memory of one gateway process.", labels=["gateway"]
    )
    for number, pid in gateways.items():
        values = {metric.name: metric.samples[0].value for metric in _of_process(pid)}
        if values:  # else it has just died
            cpu.add_metric([str(number)], values["process_cpu_seconds"])
            memory.add_metric([str(number)], values["process_resident_memory_bytes"])
    yield cpu
    yield memory


def _of_process(pid: int) -> Iterator[Metric]:
    yield from ProcessCollector(pid=lambda: pid, registry=None).collect()


class _Families(Collector):
    """Makes the families at each reading, so that nothing is counted twice."""

    def __init__(self, families: Callable[[], Iterator[Metric]]) -> None:
        self._families = families

    def describe(self) -> Iterator[Metric]:
        """Name nothing now: what there is shows at the reading."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """What there is now."""
        return self._families()

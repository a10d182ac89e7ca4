"""Counts of several gateways, added up."""

import msgspec

from actors.cluster.contract import Activity
from actors.monitoring.cluster_status import JournalActivity
from gateway.metrics.counters import (
    EMPTY,
    Latency,
    LiveCounts,
    MetricsSnapshot,
    total,
    without_gauges,
)

JOURNAL = JournalActivity("users:0", 12, 0.5, 3)
ONE = MetricsSnapshot(
    {("GET", "/a", 200, ""): 2, ("GET", "/a", 404, "not_found"): 1},
    {"/a": Latency([1, 2], 0.5)},
    {("grant", "ok"): 2},
    3,
    Activity(5, 6, 1, 0, journals=(JOURNAL,)),
    LiveCounts(2, {1000: 1}, {"changes": 3}),
)
OTHER = MetricsSnapshot(
    {("GET", "/a", 200, ""): 5},
    {"/a": Latency([0, 5], 1.0), "/b": Latency([1, 0], 0.25)},
    {("grant", "ok"): 1, ("grant", "quest_not_found"): 1},
    1,
    Activity(0, 0, 0, 4),
    LiveCounts(1, {1000: 2, 4413: 1}, {"era": 1}),
)


def test_a_total_is_the_sum_of_every_count() -> None:
    assert total([ONE, EMPTY, OTHER]) == MetricsSnapshot(
        {("GET", "/a", 200, ""): 7, ("GET", "/a", 404, "not_found"): 1},
        {"/a": Latency([1, 7], 1.5), "/b": Latency([1, 0], 0.25)},
        {("grant", "ok"): 3, ("grant", "quest_not_found"): 1},
        4,
        Activity(5, 6, 1, 4, journals=(JOURNAL,)),
        LiveCounts(3, {1000: 3, 4413: 1}, {"changes": 3, "era": 1}),
    )
    assert ONE.latencies["/a"] == Latency([1, 2], 0.5)


def test_of_a_gateway_that_is_gone_only_what_it_did_stays() -> None:
    past = without_gauges(ONE)
    assert (past.in_flight, past.activity) == (0, Activity(0, 6, 1, 0))
    assert (past.requests, past.latencies) == (ONE.requests, ONE.latencies)


def test_counts_travel() -> None:
    sent = msgspec.msgpack.decode(msgspec.msgpack.encode(ONE))
    assert msgspec.convert(sent, MetricsSnapshot) == ONE

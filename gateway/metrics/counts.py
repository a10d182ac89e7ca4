"""What gateways have counted, as plain numbers that can travel and be added up.

Not for: counting (`metrics`), or showing (`metrics_text`).
"""

from collections import Counter
from collections.abc import Iterable

import msgspec
from msgspec import Struct

from actors.cluster.contract import Activity


class Latency(Struct, array_like=True):
    """How long the requests of one route took: how many fell into each bucket, seconds in all."""

    buckets: list[int]
    seconds: float


class Counts(Struct):
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


NOTHING = Counts({}, {}, {}, 0, Activity(0, 0, 0, 0))


def total(several: Iterable[Counts]) -> Counts:
    """The sum."""
    requests: Counter[tuple[str, str, int, str]] = Counter()
    commands: Counter[tuple[str, str]] = Counter()
    latencies: dict[str, Latency] = {}
    in_flight = users_active = users_asleep = activations = passivations = retries = 0
    for one in several:
        requests.update(one.requests)
        commands.update(one.commands)
        for route, latency in one.latencies.items():
            latencies[route] = _added(latencies.get(route), latency)
        in_flight += one.in_flight
        users_active += one.activity.users_active
        users_asleep += one.activity.users_asleep
        activations += one.activity.activations
        passivations += one.activity.passivations
        retries += one.activity.retries
    activity = Activity(users_active, activations, passivations, retries, users_asleep)
    return Counts(dict(requests), latencies, dict(commands), in_flight, activity)


def of_the_past(counts: Counts) -> Counts:
    """What stays of a gateway that is gone: what it did, not what it was doing."""
    activity = msgspec.structs.replace(counts.activity, users_active=0, users_asleep=0)
    return msgspec.structs.replace(counts, in_flight=0, activity=activity)


def _added(one: Latency | None, other: Latency) -> Latency:
    if one is None:
        return other
    buckets = [a + b for a, b in zip(one.buckets, other.buckets, strict=True)]
    return Latency(buckets, one.seconds + other.seconds)

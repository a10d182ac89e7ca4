"""A server in a process of its own, without Ray: several gateways too reach users in the primary.

Started as `python -m tests.gateway.server.serve_child`.

Arguments are settings, as in `port=0 store=file:///...`.
"""

import sys

from actors.cluster.contract import Cluster
from actors.host.settings import HostSettings
from gateway.server.clusters import cluster_of
from gateway.server.preflight import CannotStart
from gateway.server.serve import serve
from gateway.settings import Settings, WrongSettings
from gateway.settings_sources import load
from persistence.open import open_store
from tests.gateway.server.reachable_cluster_kit import ReachableCluster


def without_ray(settings: Settings, host_settings: HostSettings) -> Cluster:
    if settings.placement == "packed":
        return ReachableCluster(host_settings, open_store(settings.store))
    return cluster_of(settings, host_settings)


if __name__ == "__main__":
    given = dict(argument.split("=", 1) for argument in sys.argv[1:])
    try:
        sys.exit(serve(load({"placement": "local", **given}).settings, without_ray))
    except (CannotStart, WrongSettings) as error:
        print(error, file=sys.stderr)
        sys.exit(2)

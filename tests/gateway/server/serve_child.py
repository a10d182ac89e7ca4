"""A server in a process of its own, over a local cluster.

Started as `python -m tests.gateway.server.serve_child`.

Arguments are settings, as in `port=0 store=file:///...`.
"""

import sys

from actors.cluster.local import LocalCluster
from actors.host.settings import HostSettings
from gateway.server.serve import CannotStart, serve
from gateway.settings import Settings, WrongSettings, load
from persistence.open import open_store
from tests.gateway.server.reachable_cluster_kit import ReachableCluster


def in_this_process(settings: Settings, host_settings: HostSettings) -> LocalCluster:
    if settings.gateways > 1:
        return ReachableCluster(host_settings, open_store(settings.store))
    return LocalCluster(host_settings, open_store(settings.store))


if __name__ == "__main__":
    given = dict(argument.split("=", 1) for argument in sys.argv[1:])
    try:
        sys.exit(serve(load(given).settings, in_this_process))
    except (CannotStart, WrongSettings) as error:
        print(error, file=sys.stderr)
        sys.exit(2)

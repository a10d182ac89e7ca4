"""From settings to the cluster of each placement.

Not for: what a placement does (`actors.cluster`).
"""

from actors.cluster.contract import Cluster
from actors.host.settings import HostSettings
from gateway.settings import Settings
from persistence.open import open_store


def cluster_of(settings: Settings, host_settings: HostSettings) -> Cluster:
    """The cluster that the placement names; not started.

    Each is imported when it is chosen: Ray takes a second to import.
    """
    timeout = settings.ask_timeout_seconds
    if settings.placement == "local":
        from actors.cluster.local import LocalCluster

        store = open_store(settings.store)
        return LocalCluster(
            host_settings,
            store,
            hosts=max(1, settings.hosts),
            users_max=settings.users_max,
            ask_timeout_seconds=timeout,
        )
    from actors.cluster.dedicated import DedicatedCluster
    from actors.cluster.packed import PackedCluster
    from actors.cluster.ray_runtime import RayActors

    shared_folder = settings.file_store == "shared"
    actors = RayActors(host_settings, settings.ray, shared_folder=shared_folder)
    if settings.placement == "packed":
        return PackedCluster(
            host_settings, actors, hosts=settings.hosts, ask_timeout_seconds=timeout
        )
    return DedicatedCluster(
        host_settings, actors, users_max=settings.users_max, ask_timeout_seconds=timeout
    )

"""Users of a server that runs on the same Ray cluster, for its drivers, actors and tasks.

Requests go straight to the users' hosts, as those of a gateway do.

Not for: what may be asked of a user (`users`).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from actors.cluster.remote_hosts import RemoteHosts
from questkeep_handles.users import Users

ASK_TIMEOUT_SECONDS = 30.0
"""After so long a request that met no host is sent anew, under the same id."""


@asynccontextmanager
async def connect(store_url: str | None = None) -> AsyncIterator[Users]:
    """The users of the server that has this store; without one, of the only server there is.

    Call it in a process that is in the Ray cluster (`ray.init(address=...)`, or an actor's or a
    task's own), and keep it: a connection for each host stays open until the block ends.

    Raises:
        ClusterError: no such server is found, and what to do about it.
    """
    from actors.cluster.ray_hosts import RayHosts  # Ray takes a second to import

    hosts = RayHosts(store_url)
    await hosts.join()
    directory = RemoteHosts(hosts.hosts, hosts.find, ask_timeout_seconds=ASK_TIMEOUT_SECONDS)
    try:
        yield Users(directory)
    finally:
        directory.close()

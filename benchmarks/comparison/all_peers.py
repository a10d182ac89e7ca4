"""The peers that are measured, in the order of the tables.

To measure one more: write a class that is a `peer.Peer`, and put it here.
"""

from collections.abc import Sequence

from benchmarks.peers.contract import Peer
from benchmarks.peers.limits.peer import Empty, EmptyOwn
from benchmarks.peers.postgres.peer import Postgres
from benchmarks.peers.questkeep.peer import Questkeep
from benchmarks.peers.ray_serve.peer import RayServe
from benchmarks.peers.redis.peer import Redis
from benchmarks.peers.workerd.peer import Workerd


def all_peers(hosts: Sequence[int] = (1, 2)) -> list[Peer]:
    """One of each; `hosts` are the numbers of hosts to try of a packed Questkeep."""
    return [
        Questkeep("packed", hosts),
        Questkeep("dedicated"),
        Redis(),
        Postgres(),
        Workerd(),
        RayServe(),
        EmptyOwn(),
        Empty("granian"),
        Empty("uvicorn"),
    ]

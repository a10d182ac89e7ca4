"""The status of a cluster: plain data for those who operate it, as it travels and is shown.

Not for: gathering it (`actors.cluster`), or printing it (`cli`).
"""

from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from actors.transport.addresses import RunningHost


class JournalActivity(Struct, frozen=True):
    """A host's journal: its batches, and what the last opening folded of its predecessor's."""

    host: str
    batches: int
    fold_seconds: float
    records_folded: int


INCARNATION_CHARACTERS = 12
"""Of Ray's name for a process: as many as tell incarnations apart."""


class HostState(StrEnum):
    """Whether a host's users are served: `folding` reads what its predecessor left."""

    OPEN = "open"
    FOLDING = "folding"
    AWAY = "away"


class Presence(Struct, frozen=True):
    """What a host was found to be, for how long, and why it is not open."""

    state: HostState
    seconds: float
    reason: str = ""


class HostStatus(Struct, frozen=True):
    """A host, as it was when it was asked last.

    Attributes:
        seconds: how long it has been in this state.
        reason: why it is not open; empty if it is.
        process_id: 0 where it was never found.
        incarnation: of its process; another one after each of its deaths.
        build: what it runs; see `actors.build`.
    """

    name: str
    state: HostState
    seconds: float
    reason: str = ""
    node: str = ""
    process_id: int = 0
    incarnation: str = ""
    build: str = ""
    users_active: int = 0
    journals: tuple[JournalActivity, ...] = ()

    @classmethod
    def of(
        cls,
        name: str,
        seen: "Presence",
        running: RunningHost | None,
        *,
        users_active: int = 0,
        journals: tuple[JournalActivity, ...] = (),
    ) -> "HostStatus":
        """From what was seen of it, and its process, if it was ever found."""
        status = cls(name, seen.state, seen.seconds, seen.reason)
        status = replace(status, users_active=users_active, journals=journals)
        if running is None:
            return status
        return replace(
            status,
            node=running.node.ip,
            process_id=running.pid,
            incarnation=running.worker_id[:INCARNATION_CHARACTERS],
            build=running.build,
        )


class NodeState(StrEnum):
    """Whether a node can have hosts; `draining` is going to go."""

    ALIVE = "alive"
    DRAINING = "draining"
    LOST = "lost"


class NodeStatus(Struct, frozen=True):
    """A machine of the cluster.  One that was ended on purpose is none any more."""

    id: str
    address: str
    state: NodeState
    cpus: int = 0


class HeadStatus(Struct, frozen=True):
    """Ray's head.

    Attributes:
        silent_seconds: since it answered last; 0 while it does.
        seconds_left: until Ray gives up and this server ends; None while it answers.
    """

    address: str
    reachable: bool
    silent_seconds: float = 0.0
    seconds_left: float | None = None


class ClusterStatus(Struct, frozen=True):
    """What a server sees of its cluster.

    Attributes:
        server: the server's own mark in the store; another one after each start.
        build: what the server itself runs.
        nodes_expected: as many as were there at once, but for those that were ended on purpose.
        head: None without Ray.
    """

    placement: str
    server: str
    build: str
    hosts: tuple[HostStatus, ...]
    nodes: tuple[NodeStatus, ...] = ()
    nodes_expected: int = 0
    head: HeadStatus | None = None


class UserPlace(Struct, frozen=True):
    """Where a user's actor is, or will be when somebody asks for it."""

    user_id: str
    host: HostStatus

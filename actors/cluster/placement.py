"""Placement: which host a user belongs to.  Pure; the same answer in every process and for ever.

`dedicated`: a host of their own for every user.  `packed`: `hosts` long-lived hosts, each with the
users whose hash falls to it.
"""

from collections.abc import Sequence
from hashlib import blake2b
from zlib import crc32

from msgspec import Struct

from actors.errors import CannotScale
from persistence.slot_table import SLOTS_OF_HOST_MIN, SlotTable

_OWN = "user:"


class Room(Struct, frozen=True):
    """What a cluster has for hosts, and what is left of it when its largest node dies.

    Attributes:
        cpus: whole CPUs of all nodes.
        cpus_left: those without the largest node, if there are others.
        memory: bytes for hosts, on the nodes that are left.
        hosts: as many as find room whichever node dies; of one node's CPUs the gateway has one.
    """

    cpus: int
    cpus_left: int
    memory: int
    hosts: int

    @classmethod
    def of(cls, nodes: Sequence[tuple[int, int]]) -> "Room":
        """From each node's CPUs and memory in bytes."""
        cpus = sum(cpus for cpus, _ in nodes)
        memory = sum(memory for _, memory in nodes)
        if len(nodes) == 1:
            return cls(cpus, cpus, memory, max(1, cpus - 1))
        cpus_left = cpus - max(cpus for cpus, _ in nodes)
        memory_left = memory - max(memory for _, memory in nodes)
        return cls(cpus, cpus_left, memory_left, max(1, cpus_left))


def namespaces_of(store_url: str) -> str:
    """How the Ray namespaces of the servers of a store begin; the newest server's sorts last."""
    return f"questkeep-{blake2b(store_url.encode(), digest_size=4).hexdigest()}-"


def dedicated_host(user_id: str) -> str:
    """The host of one user alone."""
    return _OWN + user_id


def user_of(host: str) -> str:
    """The user whom a host of their own belongs to."""
    return host.removeprefix(_OWN)


def slot_of(user_id: str, hosts: int) -> int:
    """Which of `hosts` packed hosts the user belongs to, from 0."""
    return crc32(user_id.encode()) % hosts


def packed_host(slot: int) -> str:
    """The name of a packed host."""
    return f"users:{slot}"


def check_hosts(table: SlotTable, hosts: int) -> None:
    """Look whether the slots are enough for so many hosts.

    Raises:
        CannotScale: they are not.
    """
    if not 1 <= hosts <= len(table.slots) // SLOTS_OF_HOST_MIN:
        raise CannotScale(
            f"{hosts} hosts are asked for, and the {len(table.slots)} slots of this server are for "
            f"1 to {len(table.slots) // SLOTS_OF_HOST_MIN}. Start it anew with --hosts {hosts}."
        )

"""Where a packed host is, as it tells a gateway through Ray: enough to connect, and to be sure.

Not for: connecting (`handshake`), or asking Ray (`ray_runtime`).
"""

import os
from collections.abc import Callable

from msgspec import Struct

SECRET_BYTES = 32


class Node(Struct, frozen=True):
    """A machine of the cluster: its id as Ray has it, and where other nodes reach it."""

    id: str
    ip: str


class RunningHost(Struct, frozen=True):
    """The process in which one life of a host runs; `worker_id` is Ray's name for it.

    `build` is the code that it runs: see `actors.build`.
    """

    node: Node
    pid: int
    worker_id: str
    build: str = ""


ThisProcess = Callable[[], RunningHost]
"""The process that calls it."""


class Identity(Struct, frozen=True):
    """One life of a host.

    The secret is made with it, kept in memory and told only to those whom Ray lets ask: who knows
    it was let in by the cluster, and whoever listens with it is the host that was asked for.
    """

    host: str
    incarnation: str
    secret: bytes

    @classmethod
    def fresh(cls, host: str) -> "Identity":
        """A new life of `host`."""
        return cls(host, os.urandom(8).hex(), os.urandom(SECRET_BYTES))

    def __repr__(self) -> str:
        return f"{self.host} {self.incarnation}"  # the secret never gets into a log


class LocalAddress(Struct, frozen=True, tag=True):
    """The host shares the gateway's machine; the folder of its socket says who may connect."""

    socket_path: str


class RemoteAddress(Struct, frozen=True, tag=True):
    """The host listens on its node's address, where anybody may knock."""

    ip: str
    port: int
    identity: Identity


HostAddress = LocalAddress | RemoteAddress

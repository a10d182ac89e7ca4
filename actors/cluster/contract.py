"""The contract between the gateway and wherever user actors live.

Implementations: `ray_cluster` (one or many machines) and `local_cluster` (this process; the test
kit).  One conformance kit holds for both.
"""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from actors.messages import Reply, Request
from persistence.store import StreamId


class HostSettings(Struct, frozen=True):
    """What a host needs to know; the same on every node, handed over when a host starts.

    Attributes:
        store_url: where journals and snapshots are.
        rules_text: the rules file in force, as text.
        receipt_window: how many of a user's newest receipts are kept.
        mailbox_depth_max: unanswered messages one user may have.
        idle_seconds: a user without commands for this long is passivated.
        snapshot_every: a user's snapshot is written after this many changes at the latest.
        residents_max: users one host keeps in memory; beyond it the longest-idle ones leave.
        memory_bytes_max: memory one host's process may take; beyond it likewise.
        server: what stands in the store for as long as this server is its newest; a host that
            does not find it there must not open.  None where nobody else can have the store.
        checkpoint_bytes: a host's journal is folded into snapshots when it has grown by this much.
    """

    store_url: str
    rules_text: str
    receipt_window: int = 128
    mailbox_depth_max: int = 256
    idle_seconds: float = 300.0
    snapshot_every: int = 1_000
    checkpoint_bytes: int = 256 * 1024 * 1024
    residents_max: int = 1_000_000
    memory_bytes_max: int = 2**63 - 1
    server: StreamId | None = None


class Capacity(Struct, frozen=True):
    """How many users can be active at once, and a sentence for people on what that means here."""

    users_max: int
    sentence: str


class Activity(Struct, frozen=True):
    """What a cluster is doing now, for metrics: totals since start but for users.

    `users_asleep` are those of `users_active` who are kept small until their next message.
    """

    users_active: int
    activations: int
    passivations: int
    retries: int
    users_asleep: int = 0


class Cluster(Protocol):
    """Finds a user's actor, starts it when there is none, and carries messages to it."""

    async def start(self) -> None:
        """Be ready to `ask`.  Raises `ClusterError` naming what is missing."""
        ...

    async def ask(self, requests: Sequence[Request]) -> list[Reply]:
        """Deliver requests of one user, in order, and return their replies in that order.

        An actor that dies in the middle is replaced and asked again under the same command ids, so
        one effect and one answer come of it.

        Raises:
            AskAgain: one of its kinds; `OutcomeUnknown` when something may have taken effect.
        """
        ...

    async def change_rules(self, text: str) -> None:
        """Hand a new rules file's text to every host, and to those that start later.

        Each host changes between two turns, for all its users at once.  A host that dies meanwhile
        is told when its successor is found, before anything is asked of it.

        Raises:
            InvalidRules: the text is none; check it first.
        """
        ...

    def capacity(self) -> Capacity:
        """How many users fit."""
        ...

    def activity(self) -> Activity:
        """Counts for metrics."""
        ...

    async def drain(self) -> None:
        """Finish what was accepted, snapshot every active user, let every actor go."""
        ...


class ClusterError(Exception):
    """The cluster cannot start.  The message says what was found and what to do."""

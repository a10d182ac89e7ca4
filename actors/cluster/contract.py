"""The contract between the gateway and wherever user actors live.

Implementations: `ray_cluster` (one or many machines) and `local_cluster` (this process; the test
kit).  One conformance kit holds for both.
"""

from collections.abc import Hashable, Sequence
from typing import Protocol

from msgspec import Struct

from actors.messages import Reply, Request


class Capacity(Struct, frozen=True):
    """How many users can be active at once, and a sentence for people on what that means here."""

    users_max: int
    sentence: str


class Activity(Struct, frozen=True):
    """What a cluster is doing now, for metrics: totals since start but for users.

    `users_hibernated` are those of `users_active` who are kept small until their next message.
    """

    users_active: int
    activations: int
    passivations: int
    retries: int
    users_hibernated: int = 0


class Cluster(Protocol):
    """Finds a user's actor, starts it when there is none, and carries messages to it."""

    async def start(self) -> None:
        """Be ready to `ask`.  Raises `ClusterError` naming what is missing."""
        ...

    def host_of(self, user_id: str) -> Hashable:
        """Names the user's host: requests of users of the same one may go in one `ask`."""
        ...

    async def ask(self, requests: Sequence[Request]) -> list[Reply]:
        """Deliver requests of one host's users, in order, and return their replies in that order.

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

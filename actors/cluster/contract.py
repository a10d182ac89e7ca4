"""The contracts between the gateway and wherever user actors are.

Implementations: `dedicated` and `packed` on Ray, `local` in this process, and `remote_hosts`, the
directory alone, for hosts that another process started.  One conformance kit holds for all.
"""

from collections.abc import Hashable, Iterable, Sequence
from operator import add
from typing import Protocol

from msgspec import Struct
from msgspec.structs import astuple

from actors.feeds.feed import Feed, Listener
from actors.messages import Reply, Request
from actors.monitoring.cluster_status import ClusterStatus, JournalActivity


class Activity(Struct, frozen=True):
    """What a cluster is doing now, for metrics: totals since start but for users.

    `users_hibernated` are those of `users_active` who are kept small until their next message;
    `hosts_away` are the hosts whose users are not served now, `hosts_folding` those that are just
    reading what their predecessors left.
    """

    users_active: int = 0
    activations: int = 0
    passivations: int = 0
    retries: int = 0
    users_hibernated: int = 0
    host_deaths: int = 0
    journals: tuple[JournalActivity, ...] = ()
    hosts_away: tuple[str, ...] = ()
    hosts_folding: tuple[str, ...] = ()

    @classmethod
    def total(cls, parts: Iterable["Activity"]) -> "Activity":
        """That of several hosts or gateways together."""
        total = cls()
        for part in parts:
            total = cls(*map(add, astuple(total), astuple(part)))
        return total


class Failure(Struct, frozen=True):
    """Why nobody can be served here any more.

    Attributes:
        reason: one sentence.
        taken_over: another server serves the store now: this one is not to be started again.
    """

    reason: str
    taken_over: bool = False


class UserDirectory(Protocol):
    """Finds a user's actor, wherever it is, and carries requests to it: what the API needs."""

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

    def watch(self, user_id: str, listener: Listener) -> Feed:
        """Have `listener` hear of the user's changes as they become durable.

        What is read of the user afterwards is no older than where the feed begins: see
        `actors.feeds.subscription`.  It wakes nobody, keeps nobody awake, and lasts until closed.
        """
        ...

    def activity(self) -> Activity:
        """What is going on, for metrics."""
        ...


class Cluster(UserDirectory, Protocol):
    """User actors from their start to their end: what the server needs beside the directory."""

    async def start(self) -> None:
        """Be ready to `ask`.  Raises `ClusterError` naming what is missing."""
        ...

    async def change_rules(self, text: str) -> None:
        """Hand a new rules file's text to every host, and to those that start later.

        Each host changes between two turns, for all its users at once.  A host that dies meanwhile
        is told when its successor is found, before anything is asked of it.

        Raises:
            InvalidRules: the text is none; check it first.
        """
        ...

    async def scale(self, hosts: int) -> None:
        """Spread all users over so many hosts, while they are served.

        Hosts are started and ended for it; nobody's command fails, and nobody waits for long.

        Raises:
            CannotScale: not with this placement, or not to this number.
            ClusterError: it did not come to an end; users are served wherever they are by now.
        """
        ...

    def capacity(self) -> str:
        """How many users can be active at once, as a phrase for people."""
        ...

    async def health(self) -> str:
        """Empty while users would be served now; else one sentence on why not.

        Every host, the store and what carries requests are asked.  One host of several may be away:
        then the others' users are served, and the log and `activity` name it.  It may take as long
        as they take: whoever asks sets a limit.
        """
        ...

    def status(self) -> ClusterStatus:
        """Hosts, nodes and the head, as they were seen last: at most a few seconds ago."""
        ...

    def host_name(self, user_id: str) -> str:
        """The name of the user's host, as in `status`."""
        ...

    async def failed(self) -> Failure:
        """Wait until nobody can be served here any more, for good.

        The server then ends with a code that is not 0, so that whatever supervises it starts it
        anew, unless another server has taken over.
        """
        ...

    async def drain(self) -> None:
        """Finish what was accepted, snapshot every active user, let every actor go."""
        ...

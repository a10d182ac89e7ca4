"""What the harness asks of everything it measures, and what a peer answers after a run.

Not for: how the load is made (`runs`) or judged (`check`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from benchmarks.load.usage import Usage
from benchmarks.users.dataset import Dataset


@dataclass(frozen=True)
class Setting:
    """One way to run a peer, of those worth trying; the best one counts.

    `options` mean something to the peer only.
    """

    name: str
    options: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StoredUser:
    """What a peer's storage holds of one user after a run."""

    user_id: str
    level: int
    total_xp: int
    ledger_xp: int
    turned_in: int
    receipts: int


class Peer(Protocol):
    """A system under measurement.

    The harness calls `install` once, then for every measurement `start`, `stored`, `stop`; `stop`
    is called whatever happened, also when `start` failed half way.

    Attributes:
        name: as in `--only` and in the tables.
        title: what it is, in a few words.
        users: how many users its dataset has.
        rate: turn-ins a second it is sure to stay below; decides how many quests are seeded.
            Too low costs a repetition, too high only seeding time.
        batch_rate: the same of turn-ins in batches; 0: it takes none.
        msgpack: whether it takes batches in msgpack too.
        keeps: whether it keeps what it is told; if not, nothing is probed or counted.
    """

    name: str
    title: str
    users: int
    rate: int
    batch_rate: int
    msgpack: bool
    keeps: bool

    @property
    def settings(self) -> Sequence[Setting]:
        """The ways to run it worth trying, the best known first."""
        ...

    def install(self) -> None:
        """Fetch what is missing.

        Raises:
            Unavailable: it cannot be had here.
        """
        ...

    def start(self, setting: Setting, dataset: Dataset) -> str:
        """Start from nothing, seed `dataset`, and give the base URL once it answers.

        It must serve `POST {url}/v1/users/{user_id}/commands` as Questkeep does, and, if it takes
        batches, `POST {url}/v1/commands`.
        """
        ...

    def stored(self) -> Sequence[StoredUser]:
        """What is stored now, of every user."""
        ...

    def usage(self) -> Usage:
        """CPU and disk of every process that was started, until now."""
        ...

    def version(self) -> str:
        """The versions of what runs, for the record."""
        ...

    def stop(self) -> None:
        """End every process that was started and drop the stored rows.  May be called twice."""
        ...

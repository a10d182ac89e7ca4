"""Activation: a user in a host's memory, with the actor, its mailbox and what is under way.

Not for: which users are active (`activations`), or turns on their rows (`actors.user`).
"""

import asyncio

from actors.host.mailbox import Mailbox
from actors.host.settings import HostSettings
from actors.long_work import LongWork
from actors.user.actor import UserActor
from actors.user.rules import RulesInForce
from domain.state.receipts import Receipts
from domain.state.user_state import UserState
from persistence.codec.snapshots import snapshot_steps
from persistence.eras import store_era
from persistence.store import Store


class Activation:
    """One user's place in a host.

    Attributes:
        actor: None until the first load.
        busy: being loaded or passivated; requests wait in the mailbox meanwhile.
        epoch: the journal's epoch the actor was loaded in; one of an older epoch is loaded anew.
        pending: the commit that the newest undurable turn waits for.
        last_command: when a command last arrived, in monotonic seconds.
        awake_since: when the user was loaded or woken, in the same seconds.
    """

    __slots__ = (
        "actor",
        "awake_since",
        "busy",
        "epoch",
        "last_command",
        "mailbox",
        "pending",
        "user_id",
    )

    def __init__(self, user_id: str, depth_max: int, now: float) -> None:
        self.user_id = user_id
        self.actor: UserActor | None = None
        self.mailbox = Mailbox(depth_max)
        self.busy = False
        self.epoch = -1
        self.pending: asyncio.Future[int] | None = None
        self.last_command = now
        self.awake_since = now

    @property
    def idle(self) -> bool:
        """Nothing is waiting, on its way or under way."""
        return not self.busy and self.mailbox.depth == 0 and self.pending is None


class UserLoader:
    """Brings users from the store into memory; however large they are, others have turns."""

    def __init__(self, store: Store, settings: HostSettings, rules: RulesInForce) -> None:
        self._store = store
        self._receipt_window = settings.receipt_window
        self._rules = rules
        self._long_work = LongWork()

    async def load(self, user_id: str, known_era: str) -> UserActor:
        """The user's actor as the store has them; a new one for whoever was never written.

        `known_era` is that of the store, empty before this host has written.  A new user is in the
        store's era even if nobody has written at all: their first command names it (`since`).

        Raises:
            StorageError: the snapshot cannot be read now, or not at all.
        """
        stored = await self._store.read_snapshot(user_id)
        if stored is None:
            era = known_era or await store_era(self._store)
            state = UserState(user_id, era=era)
            return UserActor(state, Receipts(self._receipt_window), self._rules)
        steps = snapshot_steps(stored.payload, f"snapshot of {user_id}")
        snapshot = await self._long_work.run(steps)
        receipts = Receipts(self._receipt_window, snapshot.receipts)
        return UserActor(snapshot.state, receipts, self._rules)

"""A user as a host holds them: the actor, its mailbox, and what is going on with it."""

import asyncio

from actors.host.mailbox import Mailbox
from actors.host.user import UserActor


class Activation:
    """One user's place in a host.

    Attributes:
        actor: None until the first load.
        busy: being loaded or passivated; messages wait in the mailbox meanwhile.
        epoch: the host's epoch the actor was loaded in; one of an older epoch is loaded anew.
        pending: the commit that the newest undurable turn waits for.
        last_command: when a command last came, in the event loop's seconds.
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

"""Activations: which users are in a host's memory, awake or hibernated, and how they leave it.

Not for: who leaves and when (`eviction`), or what a user in memory is asked (`host`).
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from itertools import islice

import structlog

from actors.background_tasks import BackgroundTasks
from actors.host.activation import Activation
from actors.host.hibernation import HibernatedUser, HibernatedUsers
from actors.host.journal import HostJournal
from actors.host.settings import HostSettings
from actors.host.snapshots import UserInMemory
from actors.messages import ReadChanges, Request
from actors.user.bodies import AnyReply
from actors.user.missed_changes import answer_changes
from actors.user.rules import RulesInForce
from persistence.failpoints import failpoint

log = structlog.get_logger(__name__)

EVICT_AT_ONCE = 16
"""Idle users who begin to leave when a host is full and one more is asked for."""
USERS_SLACK = 1.1
"""How far a host may be over its cap while users are on their way out."""


class Activations:
    """The users in the memory of one host.

    Attributes:
        awake: by user id, whoever has been without a command for longest in front.
        hibernated: the others; a request wakes them.
        activated, passivated: how many came into memory and left it, since the start.

    Args:
        resume: handles the requests in the mailbox of an activation that is no longer busy.
    """

    def __init__(
        self,
        host: str,
        settings: HostSettings,
        rules: RulesInForce,
        journal: HostJournal,
        tasks: BackgroundTasks,
        resume: Callable[[Activation], None],
    ) -> None:
        self.awake: OrderedDict[str, Activation] = OrderedDict()
        self.hibernated = HibernatedUsers(settings, rules)
        self.activated = self.passivated = 0
        self._host = host
        self._settings = settings
        self._rules = rules
        self._journal = journal
        self._tasks = tasks
        self._resume = resume

    @property
    def users(self) -> int:
        """Users in memory, awake or hibernated."""
        return len(self.awake) + len(self.hibernated)

    def find(self, user_id: str) -> UserInMemory | None:
        """A user in memory who was loaded, awake or hibernated."""
        activation = self.awake.get(user_id)
        return self.hibernated.find(user_id) if activation is None else activation.actor

    def holds(self, activation: Activation) -> bool:
        """Whether it is still this user's place in memory."""
        return self.awake.get(activation.user_id) is activation

    def add(self, user_id: str) -> Activation:
        """A place for a user who is not in memory."""
        now = time.monotonic()
        activation = Activation(user_id, self._settings.mailbox_depth_max, now)
        self.awake[user_id] = activation
        self.activated += 1
        return activation

    def wake(self, user_id: str) -> Activation | None:
        """The user as they were when they hibernated; None when they do not."""
        activation = self.hibernated.wake(user_id, self._journal.epoch)
        if activation is not None:
            self.awake[user_id] = activation
        return activation

    def read_asleep(self, request: Request) -> AnyReply | None:
        """What was missed of a user who hibernates, and goes on doing so; None of anything else."""
        user = self.hibernated.find(request.user_id)
        if user is None or not isinstance(request, ReadChanges):
            return None
        kept, store_era = user.unpacked(), self._journal.store_era
        return answer_changes(kept.state, kept.receipts, self._rules.rules, request, store_era)

    def touch(self, activation: Activation) -> None:
        """A command of this user has arrived."""
        activation.last_command = time.monotonic()
        self.awake.move_to_end(activation.user_id)

    def remove(self, activation: Activation) -> None:
        """Take this place away, if it is still the user's."""
        if self.holds(activation):
            del self.awake[activation.user_id]

    def clear(self) -> list[Activation]:
        """Take every user out of memory, unsaved; returns the places of those who were awake."""
        self.hibernated.clear()
        dropped, self.awake = self.awake, OrderedDict()
        return list(dropped.values())

    def hibernate(self, activation: Activation) -> bool:
        """Keep a user small until the next request.

        False while something is under way, and for a large user, who stays until evicted.
        """
        actor = activation.actor
        current = self.holds(activation) and activation.epoch == self._journal.epoch
        if actor is None or not current or not activation.idle or actor.storing_pages:
            return False
        if actor.is_large():
            return False  # to compress so much at once would hold up everybody
        self.hibernated.put(actor, activation.last_command)
        del self.awake[activation.user_id]
        return True

    def pack(self, activation: Activation) -> bool:
        """Have a user take less memory while awake; False if nothing was done for that."""
        return activation.actor is not None and activation.idle and activation.actor.pack()

    async def passivate(self, activation: Activation, reason: str) -> bool:
        """Snapshot an idle user and let them go; False when a request arrived meanwhile."""
        activation.busy = True
        failpoint("host.passivating")
        written = activation.actor is None or await self._journal.snapshots.write(activation.actor)
        if not self.holds(activation):
            return False
        leaves = written and activation.mailbox.depth == 0
        if leaves:
            del self.awake[activation.user_id]
            self.passivated += 1
            log.debug("passivated", host=self._host, reason=reason)
        else:
            activation.busy = False
            self._resume(activation)
        return leaves

    def evict(self, user: HibernatedUser, reason: str) -> asyncio.Task[bool] | None:
        """Let a hibernated user go; what to wait for when they have to be snapshotted first."""
        if self.hibernated.forget(user):
            self.passivated += 1
        elif (activation := self.wake(user.user_id)) is not None:
            return self.passivate_soon(activation, reason)
        return None

    def make_room(self) -> bool:
        """Have a place for one more user; False when the host is full and nobody is idle."""
        if self.users < self._settings.users_max:
            return True
        hibernated = list(islice(self.hibernated, EVICT_AT_ONCE))
        for user in hibernated:
            self.evict(user, "room")
        idle: list[Activation] = []
        if not hibernated:
            everybody = self.awake.values()
            idle = list(islice((user for user in everybody if user.idle), EVICT_AT_ONCE))
        for activation in idle:
            self.passivate_soon(activation, "room")
        return bool(hibernated or idle) or self.users < USERS_SLACK * self._settings.users_max

    def passivate_soon(self, activation: Activation, reason: str) -> asyncio.Task[bool]:
        """`passivate`, which whoever waits for it does not stop by going away."""
        activation.busy = True  # before anything else is asked of them
        return self._tasks.spawn(self.passivate(activation, reason))

"""Handover: a host lets go of some slots, and whoever has them next finds all of it in the store.

First, while the users are served on, snapshots of whom only the journal has are written ahead.
Then nothing new is taken for the slots, what was accepted is finished, the last snapshots are
written and the users forgotten.  What stands in the journal of them is covered by then.

Not for: who has the slots next (`moves`).
"""

import asyncio
from collections.abc import Collection, Iterable

from actors.held_slots import HeldSlots
from actors.host.activation import Activation
from actors.host.hibernation import HibernatedUser
from actors.host.host import Host
from persistence.concurrency import for_each
from persistence.errors import Unavailable
from persistence.slot_table import SlotTable, slot_of

SNAPSHOTS_AT_ONCE = 64
LOOK_SECONDS = 0.002
"""How often a host looks whether what it accepted is finished."""


class Handover:
    """One host's part in moves of slots.

    Args:
        slots: what the host holds.
    """

    def __init__(self, host: Host, slots: HeldSlots) -> None:
        self._host = host
        self._slots = slots

    async def take(self, table: SlotTable, order: int) -> None:
        """See `HeldSlots.take`; what was to be let go of is kept, where the table says so."""
        self._slots.take(table, order)

    async def write_ahead(self, slots: Collection[int]) -> None:
        """Write the snapshots of users of these slots, who are served meanwhile.

        Raises:
            StorageError: the store is away.
        """
        await self._host.open()  # also what an earlier incarnation journalled
        save = self._host.journal.snapshots.save
        of_awake = [user.actor for user in self._awake(slots) if user.actor is not None]
        await for_each(of_awake, save, SNAPSHOTS_AT_ONCE)
        await for_each(self._asleep(slots), save, SNAPSHOTS_AT_ONCE)

    async def release(self, slots: Collection[int], order: int) -> str:
        """Serve nobody of these slots any more, and leave all of them to the store.

        The incarnation that did it comes back: only in exchange for it may another host have them.

        Raises:
            OldOrder: a later order was heard.
            StorageError: the store is away, or the journal was lost meanwhile; the slots are let go
                of all the same, until `take`.
        """
        await self._host.open()
        journal = self._host.journal
        epoch, incarnation = journal.epoch, journal.incarnation
        self._slots.release(slots, order)
        while await self._forget_idle(slots):
            self._check(order, epoch)
        self._check(order, epoch)
        assert incarnation is not None, "the journal is open in this epoch"
        return incarnation

    async def _forget_idle(self, slots: Collection[int]) -> bool:
        """Forget whom nothing is under way for; False once there is nobody left."""
        awake, asleep = self._awake(slots), self._asleep(slots)
        if not awake and not asleep:
            return False
        for user in asleep:
            self._host.activations.evict(user, "moved")  # who is not stored is awake from here on
        idle = [activation for activation in awake if activation.idle]
        await for_each(idle, self._forget, SNAPSHOTS_AT_ONCE)
        if not idle:
            await asyncio.sleep(LOOK_SECONDS)
        return True

    def _check(self, order: int, epoch: int) -> None:
        if self._host.journal.epoch != epoch:
            raise Unavailable("the journal was lost while slots were let go of")
        self._slots.check(order)

    async def _forget(self, activation: Activation) -> None:
        if activation.idle:
            passivation = self._host.activations.passivate_soon(activation, "moved")
            if not await asyncio.shield(passivation):
                raise Unavailable("a user of a slot that moves could not be snapshotted")

    def _awake(self, slots: Collection[int]) -> list[Activation]:
        users: Iterable[Activation] = self._host.activations.awake.values()
        return [user for user in users if self._in(slots, user.user_id)]

    def _asleep(self, slots: Collection[int]) -> list[HibernatedUser]:
        users: Iterable[HibernatedUser] = self._host.activations.hibernated
        return [user for user in users if self._in(slots, user.user_id)]

    def _in(self, slots: Collection[int], user_id: str) -> bool:
        table = self._slots.table
        return table is not None and slot_of(user_id, len(table.slots)) in slots

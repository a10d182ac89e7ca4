"""The slots that a host holds now: those of the table it knows, less those it has let go of.

What a host is told may arrive late or twice, so whoever tells it numbers its orders: an older one
than the last that was heard counts for nothing.

Not for: the table in the store (`persistence.slot_table`), or how a host lets go of users
(`actors.host.eviction`).
"""

from collections.abc import Collection

from persistence.errors import Unavailable
from persistence.slot_table import SlotTable, register
from persistence.store import Store, StreamId


class OldOrder(Unavailable):
    """A later order was heard; nothing is wrong with the store."""


class HeldSlots:
    """What one host holds: nothing before it has opened, and everything where there is no table.

    Args:
        everything: it holds everything already before it has opened.

    Attributes:
        table: as this host knows it.
    """

    def __init__(self, host: str, *, everything: bool = False) -> None:
        self.table: SlotTable | None = None
        self._host = host
        self._held: Collection[int] = ()
        self._everything = everything
        self._order = 0

    def holds(self, user_id: str) -> bool:
        """Whether the user is this host's to serve."""
        if self.table is None:
            return self._everything
        return self.table.slot_of(user_id) in self._held

    async def register(self, store: Store, stream: StreamId, server: StreamId | None) -> None:
        """Put this incarnation into the table, and hold what that gives it.

        Raises:
            StorageError: it must not serve.
        """
        table = await register(store, stream, server)
        self.table, self._everything = table, table is None
        self._held = () if table is None else table.slots_of(self._host)

    def take(self, table: SlotTable, order: int) -> None:
        """Hold what the table gives this host, unless it knows better."""
        if order > self._order and self.table is not None and table.version >= self.table.version:
            self._order, self.table = order, table
            self._held = table.slots_of(self._host)

    def release(self, slots: Collection[int], order: int) -> None:
        """Serve nobody of these from now on.

        Raises:
            OldOrder: it has been told something else meanwhile.
        """
        if order <= self._order:
            raise OldOrder(f"{self._host} has heard order {self._order}, and then {order}")
        self._order = order
        self._held = frozenset(self._held).difference(slots)

    def check(self, order: int) -> None:
        """Look whether this is still the newest order.

        Raises:
            OldOrder: it has been told something else meanwhile.
        """
        if order != self._order:
            raise OldOrder(f"{self._host} has heard order {self._order} after {order}")

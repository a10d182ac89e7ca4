"""The slot table: which host has which of all users, and which incarnation of it serves them.

A user belongs to a slot for ever, by a hash; there are many more slots than hosts, so that a host
that comes or goes takes a few with it and leaves the others where they are.  The table stands among
the snapshots, where a version is written once and the highest one counts (P6): whoever changes it
replaces exactly the version that was read, or reads again.

A host that opens puts its incarnation into the table before it serves, and holds what the table
that it wrote gives it.  A slot goes to another host only in exchange for a table with the same
incarnation of the host that let go of it: one that opened meanwhile makes that exchange fail.

Not for: moving slots (`actors.slots.moves`).
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from zlib import crc32

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from persistence.errors import Corrupt, Fenced, NewerFormat
from persistence.journal.recovery import check_server
from persistence.store import Store, StreamId

NAME = "+slots"
"""Among the snapshots, under a name that no user can have."""
FORMAT = 1
SLOTS_MIN = 64
SLOTS_OF_HOST_MIN = 4
"""With fewer of each host's, one host has a quarter more users than another."""


class SlotTable(Struct, frozen=True):
    """One version of the table.

    Attributes:
        slots: the host of each slot, by its name in placement.
        incarnations: of hosts that have opened since the server began.
        server: the incarnation of the server whose hosts these are; empty where there is none.
        format: of the bytes.
        version: rises with every change.
    """

    slots: tuple[str, ...]
    incarnations: Mapping[str, str] = {}
    server: str = ""
    format: int = FORMAT
    version: int = 0

    def slot_of(self, user_id: str) -> int:
        """The user's slot, from 0."""
        return slot_of(user_id, len(self.slots))

    def host_of(self, user_id: str) -> str:
        """The host that has the user."""
        return self.slots[self.slot_of(user_id)]

    def slots_of(self, host: str) -> frozenset[int]:
        """The slots that the host has."""
        return frozenset(slot for slot, holder in enumerate(self.slots) if holder == host)

    def opened(self, stream: StreamId) -> "SlotTable":
        """The table once this incarnation of a host has opened."""
        return replace(self, incarnations={**self.incarnations, stream.host: stream.incarnation})

    def moved(self, slots: Sequence[int], source: StreamId, target: str) -> "SlotTable":
        """The table once `source` has let go of these slots and `target` has them.

        Raises:
            NotReleased: another incarnation of the host has opened, or the slots are not its own.
        """
        if all(self.slots[slot] == target for slot in slots):
            return self
        same_life = self.incarnations.get(source.host) == source.incarnation
        if not same_life or any(self.slots[slot] != source.host for slot in slots):
            raise NotReleased(f"{source.host} is not the host that let go of slots {slots}")
        after = list(self.slots)
        for slot in slots:
            after[slot] = target
        return replace(self, slots=tuple(after))


class NotReleased(Exception):
    """Whoever let go of the slots is not who has them by now: nothing was moved."""


def slot_of(user_id: str, slots: int) -> int:
    """Which of `slots` the user belongs to, from 0; the same in every process and for ever."""
    return crc32(user_id.encode()) % slots


def slots_for(hosts: int) -> int:
    """How many slots a new table has.  A power of two: with as many hosts, or a half, a quarter and
    so on, a user's host is `crc32 % hosts`."""
    slots = SLOTS_MIN
    while slots < SLOTS_OF_HOST_MIN * hosts:
        slots *= 2
    return slots


def spread(slots: Sequence[str], hosts: Sequence[str]) -> tuple[str, ...]:
    """The host of each slot once they are spread evenly over `hosts`, with the fewest moves.

    Evenly: no host has two more than another.  What moves are the slots of hosts that are not among
    `hosts`, and those that a host has too many of, the highest first.
    """
    of_host = defaultdict[str, list[int]](list)
    for slot, host in enumerate(slots):
        of_host[host].append(slot)
    share, larger = divmod(len(slots), len(hosts))
    # Whoever has the most keeps one more: that is what makes it the fewest.
    by_size = sorted(hosts, key=lambda host: -len(of_host[host]))
    room = {host: share + (place < larger) for place, host in enumerate(by_size)}
    moving = [slot for host, held in of_host.items() for slot in held[room.get(host, 0) :]]
    wanting = [host for host in hosts for _ in range(room[host] - len(of_host[host]))]
    after = list(slots)
    for slot, host in zip(sorted(moving), wanting, strict=True):
        after[slot] = host
    return tuple(after)


async def read_table(store: Store) -> SlotTable | None:
    """The table as it is now; None in a store that has none.

    Raises:
        Corrupt, NewerFormat, Unavailable: as the store raises them.
    """
    stored = await store.read_snapshot(NAME)
    if stored is None:
        return None
    place = f"the slot table of {store.url}"
    try:
        table = _decode(stored.payload)
    except msgspec.MsgspecError as error:
        raise Corrupt(place, 0, str(error)) from None
    if table.format > FORMAT:
        raise NewerFormat(place, table.format, FORMAT)
    return table


async def begin_table(store: Store, server: StreamId, hosts: Sequence[str]) -> SlotTable:
    """The table of a server that begins with these hosts: no other server's hosts are in it.

    Slots stay where an earlier server had them, as far as they are spread evenly.

    Raises:
        Fenced: another server has taken over.
        Corrupt, NewerFormat, Unavailable: as the store raises them.
    """
    while True:
        await check_server(store, server)
        table = await read_table(store)
        if table is not None and table.server == server.incarnation:
            return table
        await _write(store, table, SlotTable(_first_slots(table, hosts), {}, server.incarnation))


def _first_slots(table: SlotTable | None, hosts: Sequence[str]) -> tuple[str, ...]:
    count = slots_for(len(hosts))
    if table is None:
        return tuple(hosts[slot % len(hosts)] for slot in range(count))
    # What hashes to a slot of so many hashes to one of its two halves when they are twice as many.
    slots = table.slots * max(1, count // len(table.slots))
    return spread(slots, hosts)


async def change_table(
    store: Store, change: Callable[[SlotTable | None], SlotTable | None]
) -> SlotTable | None:
    """Have `change` applied to the newest table; the table in which it is.

    It is asked until it leaves the table as it is: after each version that came in between, and
    after its own, whoever wrote that.

    Raises:
        Corrupt, NewerFormat, Unavailable: as the store raises them; the change may stand.
    """
    while True:
        table = await read_table(store)
        after = change(table)
        if after is None or after == table:
            return table
        await _write(store, table, after)


async def settle(store: Store) -> SlotTable | None:
    """The newest table, which no write can replace any more that was begun before this call.

    For whoever does not know what became of a change: one whose answer was lost may come late.

    Raises:
        Corrupt, NewerFormat, Unavailable: as the store raises them.
    """
    before = await read_table(store)
    if before is None:
        return None
    await _write(store, before, before)
    return await read_table(store)


async def _write(store: Store, table: SlotTable | None, after: SlotTable) -> None:
    """Put `after` in the place of `table`, unless that has been replaced already."""
    version = 1 if table is None else table.version + 1
    await store.write_snapshot(NAME, version, _encode(replace(after, version=version)))


async def register(store: Store, stream: StreamId, server: StreamId | None) -> SlotTable | None:
    """Put this incarnation of a host into the table, before it serves; None where there is none.

    Raises:
        Fenced: the table is another server's.
        Corrupt, NewerFormat, Unavailable: as the store raises them.
    """
    ours = "" if server is None else server.incarnation

    def change(table: SlotTable | None) -> SlotTable | None:
        if table is None:
            return None
        if table.server != ours:
            raise Fenced(f"another server has taken over {store.url}")
        return table.opened(stream)

    return await change_table(store, change)


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(SlotTable).decode

"""Receipts: the newest commands of one user that changed something, and the replies they got.

A command id takes effect at most once inside the window (P4): whoever asks again gets the first
reply again, whoever reuses an id for something else is refused.  An id that the history in memory
names is known for longer than its receipt.
"""

from array import array
from collections.abc import Collection, Iterable, Iterator
from itertools import chain, islice

from msgspec import Struct

from domain.state.history import HistoryEntry
from domain.state.known_ids import KnownIds
from domain.state.packed_block import BLOCK_ITEMS, PackedBlock


class Receipt(Struct, frozen=True, gc=False):
    """One answered command.

    `fingerprint` identifies the command's content; `decision` is what it changed and why, as it is
    stored: enough to give the first reply again.
    """

    command_id: str
    fingerprint: bytes
    version: int
    decision: bytes


class Receipts:
    """The newest `window` receipts of one user, oldest first, and those of turns on their way.

    A turn that is on its way to stable storage may yet never have happened: no receipt leaves the
    window for its sake before it is durable (P4).
    """

    def __init__(self, window: int, receipts: Iterable[Receipt] = ()) -> None:
        self._window = window
        self._blocks: list[PackedBlock[Receipt]] = []
        self._block_ids = KnownIds()
        self._block_versions = array("q")
        self._gone = 0  # of the first block: they have left the window
        self._loose = {receipt.command_id: receipt for receipt in receipts}
        self._granted: set[str] = set()  # ids of loose receipts that the history names
        self._in_history = KnownIds()
        self._on_their_way = 0
        self._trim()

    def pack(self) -> None:
        """Keep all but the newest in less memory; it takes longer to find one of them."""
        while len(self._loose) >= BLOCK_ITEMS:
            oldest = list(islice(self._loose.values(), BLOCK_ITEMS))
            self._blocks.append(PackedBlock(oldest))
            for receipt in oldest:
                self._block_ids.add(receipt.command_id)
                self._block_versions.append(receipt.version)
                self._not_loose(receipt.command_id)

    def find(self, command_id: str) -> Receipt | None:
        """The receipt of this command, if it is still inside the window."""
        receipt = self._loose.get(command_id)
        if receipt is not None:
            return receipt
        for place in self._block_ids.places(command_id):
            receipt = self._blocks[place // BLOCK_ITEMS].items()[place % BLOCK_ITEMS]
            if place >= self._gone and receipt.command_id == command_id:
                return receipt
        return None

    def in_history(self, command_id: str) -> bool:
        """Whether the history in memory names this command, as `remember_history` was told."""
        return command_id in self._granted or command_id in self._in_history

    def oldest_version(self, version: int) -> int:
        """The version of the oldest receipt; the next one where a user at `version` has none."""
        if self._blocks:
            return self._block_versions[self._gone]
        oldest = next(iter(self._loose.values()), None)
        return version + 1 if oldest is None else oldest.version

    def remember_history(self, entries: Iterable[HistoryEntry]) -> None:
        """Take the commands of these entries for those that the history in memory names."""
        self._in_history = KnownIds(entry.command_id for entry in entries)
        self._granted.clear()

    def add(self, receipt: Receipt, new_entries: Collection[HistoryEntry] = ()) -> None:
        """Remember the receipt of a turn that is now on its way, and the entries it adds."""
        self._loose[receipt.command_id] = receipt
        if new_entries:
            self._granted.add(receipt.command_id)
        self._on_their_way += 1

    def confirm(self) -> None:
        """The oldest turn on its way is durable; the oldest receipt goes if the window is full."""
        self._on_their_way -= 1
        self._trim()

    def _trim(self) -> None:
        while len(self) - self._on_their_way > self._window:
            if not self._blocks:
                self._not_loose(next(iter(self._loose)))
                continue
            self._gone += 1
            if self._gone == BLOCK_ITEMS:
                self._gone = 0
                del self._blocks[0], self._block_versions[:BLOCK_ITEMS]
                self._block_ids.drop_oldest(BLOCK_ITEMS)

    def _not_loose(self, command_id: str) -> None:
        del self._loose[command_id]
        if command_id in self._granted:
            self._granted.discard(command_id)
            self._in_history.add(command_id)

    def __iter__(self) -> Iterator[Receipt]:
        packed = [receipt for block in self._blocks for receipt in block.items()]
        return chain(packed[self._gone :], list(self._loose.values()))

    def __len__(self) -> int:
        return len(self._blocks) * BLOCK_ITEMS - self._gone + len(self._loose)

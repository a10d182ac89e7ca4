"""Receipts: the newest commands of one user that changed something, and the replies they got.

A command id takes effect at most once inside the window (P4): whoever asks again gets the first
reply again, whoever reuses an id for something else is refused.  An id that the history in memory
names is known for longer than its receipt.
"""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from domain.state.history import HistoryEntry


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
        self._by_id = {receipt.command_id: receipt for receipt in receipts}
        self._in_history: set[str] = set()
        self._on_their_way = 0
        self._trim()

    def find(self, command_id: str) -> Receipt | None:
        """The receipt of this command, if it is still inside the window."""
        return self._by_id.get(command_id)

    def in_history(self, command_id: str) -> bool:
        """Whether the history in memory names this command, as `remember_history` was told."""
        return command_id in self._in_history

    def oldest_version(self, version: int) -> int:
        """The version of the oldest receipt; the next one where a user at `version` has none."""
        oldest = next(iter(self._by_id.values()), None)
        return version + 1 if oldest is None else oldest.version

    def remember_history(self, entries: Iterable[HistoryEntry]) -> None:
        """Take the commands of these entries for those that the history in memory names."""
        self._in_history = {entry.command_id for entry in entries}

    def add(self, receipt: Receipt, new_entries: Iterable[HistoryEntry] = ()) -> None:
        """Remember the receipt of a turn that is now on its way, and the entries it adds."""
        self._by_id[receipt.command_id] = receipt
        self._in_history.update(entry.command_id for entry in new_entries)
        self._on_their_way += 1

    def confirm(self) -> None:
        """The oldest turn on its way is durable; the oldest receipt goes if the window is full."""
        self._on_their_way -= 1
        self._trim()

    def _trim(self) -> None:
        while len(self._by_id) - self._on_their_way > self._window:
            del self._by_id[next(iter(self._by_id))]

    def __iter__(self) -> Iterator[Receipt]:
        return iter(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)

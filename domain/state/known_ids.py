"""Known ids: which ids came, and in which places, eight bytes of each.

Two ids stand for the same eight bytes once in 2**64, with dice that are thrown for each process; so
nobody can choose two.  Not for: the ids themselves, which whoever asks finds at the place.
"""

from collections.abc import Iterable, Iterator

MARK_BYTES = 8
HINTS = 1_024
"""Whether an id can have come at all is looked up among so many, for most ids once and for all."""
STALE_MAX = 256
"""Ids that went until the hints are made anew."""


class KnownIds:
    """Ids in order; new ones come last, the oldest go first."""

    __slots__ = ("_hints", "_marks", "_stale")

    def __init__(self, ids: Iterable[str] = ()) -> None:
        self._marks = bytearray()
        self._hints = bytearray(HINTS)
        self._stale = 0
        for id_ in ids:
            self.add(id_)

    def add(self, id_: str) -> None:
        """One more, in the last place."""
        mark = hash(id_)
        self._marks += mark.to_bytes(MARK_BYTES, "little", signed=True)
        self._hints[mark % HINTS] = 1

    def drop_oldest(self, count: int) -> None:
        """Those in the first places go, and all others move up."""
        del self._marks[: count * MARK_BYTES]
        self._stale += count
        if self._stale > STALE_MAX:
            self._stale = 0
            self._hints = bytearray(HINTS)
            for start in range(0, len(self._marks), MARK_BYTES):
                mark = int.from_bytes(self._marks[start : start + MARK_BYTES], "little")
                self._hints[mark % HINTS] = 1

    def places(self, id_: str) -> Iterator[int]:
        """Where the id may be, the newest place first; nowhere if it never came."""
        mark = hash(id_)
        if not self._hints[mark % HINTS]:
            return
        sought = mark.to_bytes(MARK_BYTES, "little", signed=True)
        end = len(self._marks)
        while (at := self._marks.rfind(sought, 0, end)) >= 0:
            if at % MARK_BYTES == 0:
                yield at // MARK_BYTES
            end = at + MARK_BYTES - 1

    def __contains__(self, id_: str) -> bool:
        return bool(self._hints[hash(id_) % HINTS]) and any(True for _ in self.places(id_))

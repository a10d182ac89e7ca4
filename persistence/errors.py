"""What can go wrong between a decided change and stable storage, grouped by what the caller does.

Not for game refusals (`domain.messages.rejections`) and not for malformed requests
(`gateway.problems`).
"""


class StorageError(Exception):
    """Root of everything this layer raises."""


class Unavailable(StorageError):
    """The store did not answer or refused for now; nothing is known to be wrong with what it holds.

    After an append the batch may or may not be durable (P8): drop the state in memory, read the
    truth again, and let callers ask again under the same command id.
    """


class Spoiled(Unavailable):
    """This process can no longer tell what is durable, though a fresh one can (P8).  End it."""


class Fenced(StorageError):
    """Another incarnation owns this stream now (P3).  Stop this host; never retry here."""


class Corrupt(StorageError):
    """Stored bytes are damaged (P5).  Never served; an operator has to look.

    Args:
        place: file or object name.
        offset: byte offset of the damage within it.
        found: what stood there, in words.
    """

    def __init__(self, place: str, offset: int, found: str) -> None:
        super().__init__(place, offset, found)  # as they came, so that it crosses processes
        self.place = place
        self.offset = offset
        self.found = found

    def __str__(self) -> str:
        return f"{self.place} at byte {self.offset}: {self.found}"


class NewerFormat(StorageError):
    """The bytes were written by a newer Questkeep than this one (P9).  Upgrade, do not guess."""

    def __init__(self, place: str, found: int, newest: int) -> None:
        super().__init__(place, found, newest)
        self.place = place
        self.found = found
        self.newest = newest

    def __str__(self) -> str:
        return (
            f"{self.place} has format {self.found}; this Questkeep reads formats up to "
            f"{self.newest}. Start the newer version that wrote it."
        )


class StoreInUse(StorageError):
    """Another server holds this store.  The message names it."""


class UnfitStore(StorageError):
    """The store does not keep the conditions that Questkeep's promises rest on (P3, P6).

    Found by its probe at start.  Use another store.
    """

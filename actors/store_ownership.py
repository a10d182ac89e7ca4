"""A server's hold on its store: taken over at the start, looked after until another takes over.

Not for: what makes a take-over safe (`persistence.journal.recovery`), or what is done about one.
"""

import asyncio
from contextlib import suppress

import structlog

from persistence.errors import Fenced, StorageError
from persistence.journal.recovery import check_server, close_quietly, take_over
from persistence.store import Store, Stream, StreamId

log = structlog.get_logger(__name__)

CHECK_SECONDS = 5.0
"""How often a server looks whether the store is still its own, also when nobody asks."""
ANSWER_SECONDS = 2.0
"""A store that has not answered by then counts as not answering."""
TAKEN_OVER = "another server has taken over the store"


class StoreOwnership:
    """This server's hold on its store.

    Args:
        store: closed by `close`.
    """

    def __init__(self, store: Store, receipt_window: int) -> None:
        self._store = store
        self._receipt_window = receipt_window
        self._stream: Stream | None = None
        self._over = asyncio.Event()

    @property
    def over(self) -> bool:
        """Whether another server has taken over, for good."""
        return self._over.is_set()

    @property
    def server(self) -> StreamId | None:
        """What stands in the store for this server; None before `take`."""
        return None if self._stream is None else self._stream.id

    async def take(self) -> StreamId:
        """Shut hosts of earlier servers out, wherever they still run, and fold what they left.

        Raises:
            StorageError: the store cannot be taken over.
        """
        self._stream, folded = await take_over(self._store, self._receipt_window)
        if folded.records:
            log.info("recovered", records=folded.records, users=folded.users)
        return self._stream.id

    def end(self) -> None:
        """Another server has taken over."""
        if not self.over:
            self._over.set()
            log.error("another server has taken over", store=self._store.url)

    async def problem(self) -> str:
        """Empty while the store answers and is this server's; else one sentence on why not."""
        if self.over:
            return TAKEN_OVER
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await check_server(self._store, self.server)
        except Fenced:
            self.end()
            return TAKEN_OVER
        except StorageError as error:
            return f"the store cannot be used: {error}"
        except TimeoutError:
            return "the store does not answer"
        return ""

    async def lost(self) -> None:
        """Return once another server has taken over."""
        while not self.over:
            await self.problem()
            with suppress(TimeoutError):
                async with asyncio.timeout(CHECK_SECONDS):
                    await self._over.wait()

    async def close(self) -> None:
        """Leave the store to the next server."""
        if self._stream is not None:
            await close_quietly(self._stream)
        await self._store.close()

"""A store for one tool alone: what writes for an operator comes between no server and its users.

On disk the store's lock refuses the tool while a server serves.  Everywhere the tool takes over as
a new server does: hosts of earlier ones are fenced and cannot open again, and what they journalled
stands in snapshots before the tool looks at the first user.

Not for: reading.  Tools that only read take nothing from anyone (`user_views`).
"""

import contextlib
from collections.abc import AsyncIterator, Collection

from persistence.disk.lock import lock_store
from persistence.errors import StoreInUse
from persistence.journal.recovery import EVERY_RECEIPT, SERVER, take_over
from persistence.open import file_root, probe
from persistence.store import Store


@contextlib.asynccontextmanager
async def exclusive_access(
    store: Store, owner: str, without: Collection[str] = ()
) -> AsyncIterator[None]:
    """Have `store` to oneself for the block; `owner` is who a server that starts meanwhile meets.

    Records of users in `without` are dropped, not folded: see `recovery.fold`.

    Raises:
        StoreInUse: a server serves (nothing was changed), or one began to meanwhile.
        Corrupt, NewerFormat, Unavailable, UnfitStore: as a server's start does.
    """
    with contextlib.ExitStack() as held:
        if store.url.startswith("file:"):
            held.enter_context(lock_store(file_root(store.url), owner))
        await probe(store)
        mark, _ = await take_over(store, EVERY_RECEIPT, without)
        try:
            yield
            if await store.streams() != [mark.id]:
                raise StoreInUse(
                    f"A server began to serve {store.url} before this was done. Stop it and run "
                    "this again: until then it may not have taken effect for every user."
                )
        finally:
            await mark.close()


async def may_be_served(store: Store) -> bool:
    """Whether a server stands for `store`; one that was killed looks the same."""
    return bool(await store.streams(SERVER))

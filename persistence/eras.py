"""Eras: the names of lines of versions, so that positions of two lives are never compared (P10).

A store has an era of its own, which its users get with their first version.  Whoever is put into a
store (import, restore) begins another one, and so does everybody after somebody was deleted who has
no version yet.

Not for: comparing positions (`domain.decide.once`).
"""

import secrets

from persistence.store import Store

NAME = "+era"
"""Among the snapshots, under a name that no user can have: durable, and the first one stays."""


def new_era() -> str:
    """A name that no other line of versions has."""
    return secrets.token_hex(4)


async def read_store_era(store: Store) -> str:
    """The store's own era; empty where it has none yet, because no server ever took it over.

    Raises:
        Corrupt, NewerFormat, Unavailable: as the store raises them.
    """
    stored = await store.read_snapshot(NAME)
    return "" if stored is None else stored.payload.decode()


async def store_era(store: Store) -> str:
    """The same, given to a store that has none: before anything is written, or a user named.

    Raises:
        Corrupt, NewerFormat, Unavailable: as the store raises them.
    """
    if not await read_store_era(store):
        await store.write_snapshot(NAME, 1, new_era().encode())
    return await read_store_era(store)


async def renew_store_era(store: Store) -> None:
    """Give the store another era, while nobody serves from it.

    Raises:
        Corrupt, NewerFormat, Unavailable: as the store raises them.
    """
    stored = await store.read_snapshot(NAME)
    version = 1 if stored is None else stored.version + 1
    await store.write_snapshot(NAME, version, new_era().encode())

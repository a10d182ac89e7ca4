"""A user out of the store into memory.

Not for: when that is due, or what has to be folded before (`host`).
"""

from actors.host.rules import RulesInForce
from actors.host.user import UserActor
from domain.state.receipts import Receipts
from domain.state.user_state import UserState
from persistence.codec.snapshots import decode_snapshot
from persistence.store import Store


async def read_actor(
    store: Store, user_id: str, receipt_window: int, rules: RulesInForce
) -> UserActor:
    """The user's actor as the store has them; a new one for whoever was never written.

    Raises:
        StorageError: the snapshot cannot be read now, or not at all.
    """
    stored = await store.read_snapshot(user_id)
    if stored is None:
        return UserActor(UserState(user_id), Receipts(receipt_window), rules)
    found = decode_snapshot(stored.payload, f"snapshot of {user_id}", receipt_window)
    return UserActor(found.state, found.receipts, rules, found.unknown)

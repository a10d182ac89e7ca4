"""Items, currencies and affinities: what a user holds after some are given or taken back.

Amounts of 0 are no goods: they write nothing and are told to nobody.

Not for: experience (`progression`), or for when goods change hands (`rewards`, `undo`).
"""

from typing import NamedTuple

from domain.messages.rejections import Code, Rejection
from domain.state.rows import INTEGER_MAX, Reward
from domain.state.user_state import UserState

Amounts = dict[str, int]


class Held(NamedTuple):
    """What a user holds afterwards; None where nothing changed."""

    inventory: Amounts | None = None
    wallet: Amounts | None = None
    affinity: Amounts | None = None


UNTOUCHED = Held()


def give(state: UserState, reward: Reward) -> Held | Rejection:
    """`reward` added to what the user holds, whatever the order in which it lists its parts."""
    if not (reward.items or reward.currency or reward.affinity):
        return UNTOUCHED
    inventory = _add("items", state.inventory, reward.items)
    wallet = _add("currency", state.wallet, reward.currency)
    affinity = _add("affinity", state.affinity, reward.affinity)
    if isinstance(inventory, Rejection):
        return inventory
    if isinstance(wallet, Rejection):
        return wallet
    if isinstance(affinity, Rejection):
        return affinity
    return Held(inventory, wallet, affinity)


def take(held: Amounts, amounts: Amounts) -> tuple[Amounts | None, Amounts, Amounts]:
    """What is left of `held` when `amounts` is taken back, what was taken, and what was missing.

    Never below 0; what comes to 0 is gone.  None when nothing changes.
    """
    after, taken, missing = dict(held), Amounts(), Amounts()
    for name, amount in sorted(amounts.items()):
        reached = min(amount, held.get(name, 0))
        if reached:
            taken[name] = reached
            after[name] -= reached
        if reached < amount:
            missing[name] = amount - reached
        if after.get(name) == 0:
            del after[name]
    return (after if taken else None), taken, missing


def take_affinity(held: Amounts, amounts: Amounts) -> tuple[Amounts | None, Amounts]:
    """The affinities before `amounts`, and what was taken; they may well fall below 0.

    None when nothing changes.  Bounded by 63 bits like every amount.
    """
    after, taken = dict(held), Amounts()
    for name, amount in sorted(amounts.items()):
        before = held.get(name, 0)
        after[name] = min(max(before - amount, -INTEGER_MAX), INTEGER_MAX)
        if after[name] != before:
            taken[name] = before - after[name]
        if after[name] == 0:
            del after[name]
    return (after if taken else None), taken


def listed(amounts: Amounts) -> Amounts:
    """`amounts` in the order of their ids, without those that are 0."""
    return {name: amounts[name] for name in sorted(amounts) if amounts[name]}


def negated(amounts: Amounts) -> Amounts:
    """Every amount with its sign turned."""
    return {name: -amount for name, amount in amounts.items()}


def _add(kind: str, held: Amounts, gained: Amounts) -> Amounts | Rejection | None:
    """`held` with `gained` added to it, or None when there is nothing to add."""
    after = dict(held)
    moved = listed(gained)
    for name, amount in moved.items():
        after[name] = after.get(name, 0) + amount
        if abs(after[name]) > INTEGER_MAX:
            return Rejection(
                Code.INVALID_FIELD,
                f"{kind}.{name} is {amount}, but the {held.get(name, 0)} held can only move "
                f"within ±{INTEGER_MAX}",
            )
    return after if moved else None

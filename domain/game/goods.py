"""Items, currencies and affinities: the stacks a user holds after some are given or taken back.

Each stack, currency and NPC is a row of its own: every function answers the rows that change, as
the amount held afterwards; 0 means that the row is gone.  An amount of 0 is no goods: it changes
nothing.

Not for: experience (`progression`), or for when goods change hands (`rewards`, `undo`).
"""

from collections.abc import Mapping
from typing import NamedTuple

from domain.messages.rejections import Code, Rejection
from domain.state.rows import INTEGER_MAX, Reward
from domain.state.user_state import UserState

Amounts = dict[str, int]


class ChangedGoods(NamedTuple):
    """The rows that change, by id, as the amount held afterwards (0: gone)."""

    inventory: Amounts
    wallet: Amounts
    affinity: Amounts


UNTOUCHED = ChangedGoods({}, {}, {})


def give(state: UserState, reward: Reward) -> ChangedGoods | Rejection:
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
    return ChangedGoods(inventory, wallet, affinity)


def take(held: Mapping[str, int], amounts: Amounts) -> tuple[Amounts, Amounts, Amounts]:
    """The rows when `amounts` are taken out of `held`, what was taken, and what was missing.

    Never below 0.
    """
    after, taken, missing = Amounts(), Amounts(), Amounts()
    for name, amount in sorted(amounts.items()):
        before = held.get(name, 0)
        reached = min(amount, before)
        if reached:
            taken[name] = reached
            after[name] = before - reached
        if reached < amount:
            missing[name] = amount - reached
    return after, taken, missing


def take_affinity(held: Mapping[str, int], amounts: Amounts) -> tuple[Amounts, Amounts]:
    """The affinities as they were before `amounts`, and what was taken; both may be below 0.

    Bounded like every amount.
    """
    after, taken = Amounts(), Amounts()
    for name, amount in sorted(amounts.items()):
        before = held.get(name, 0)
        moved = min(max(before - amount, -INTEGER_MAX), INTEGER_MAX)
        if moved != before:
            taken[name] = before - moved
            after[name] = moved
    return after, taken


def listed(amounts: Amounts) -> Amounts:
    """`amounts` in the order of their ids, without those that are 0."""
    return {name: amounts[name] for name in sorted(amounts) if amounts[name]}


def negated(amounts: Amounts) -> Amounts:
    """Every amount with its sign turned."""
    return {name: -amount for name, amount in amounts.items()}


def _add(kind: str, held: Mapping[str, int], gained: Amounts) -> Amounts | Rejection:
    """The rows of `held` that `gained` moves."""
    after = listed(gained)
    for name, amount in after.items():
        before = held.get(name, 0)
        after[name] = before + amount
        if abs(after[name]) > INTEGER_MAX:
            return Rejection(
                Code.INVALID_FIELD,
                f"{kind}.{name} is {amount}, but the {before} held can only move within "
                f"±{INTEGER_MAX}",
            )
    return after

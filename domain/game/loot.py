"""Loot: what comes out of a table when a quest or a battle pays with one.

The dice are derived from who opens which table, for what, and the how-manieth throw it is.  So the
same payment rolls the same on every machine and in every retry, whatever else the reward lists;
and as a quest and a battle pay once and the command's id is no part of it, nobody gets other dice
by asking again in other words.

Not for: the tables as written (`loot_tables`), or for when something pays (`rewards`).
"""

from hashlib import blake2b
from itertools import accumulate

from msgspec.structs import replace

from domain.messages.events import LootDrop, LootMissing, LootOpened
from domain.messages.rejections import Code, Rejection
from domain.rules.compiled_rules import Rules
from domain.rules.loot_tables import GoodsKind, LootTable
from domain.state.history import Cause
from domain.state.rows import Reward

_PARTS: dict[GoodsKind, str] = {"item": "items", "currency": "currency", "affinity": "affinity"}


class Dice:
    """Dice that always fall the same for the same `seed`."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._thrown = 0

    def throw(self, faces: int) -> int:
        """1 to `faces`, all equally likely; every throw is another."""
        self._thrown += 1
        digest = blake2b(f"{self._seed}/{self._thrown}".encode(), digest_size=16).digest()
        return 1 + int.from_bytes(digest) % faces

    def between(self, least: int, most: int) -> int:
        """`least` to `most`, both included."""
        return least if least == most else least - 1 + self.throw(most - least + 1)


def seed_of(user_id: str, cause: Cause, cause_id: str, table: str, opening: int) -> str:
    """What the dice of one opening hang on; injective, because `/` is in no id."""
    return f"{user_id}/{cause}/{cause_id}/{table}/{opening}"


def drops_of(table: LootTable, dice: Dice) -> tuple[LootDrop, ...]:
    """What one opening of `table` gives: everything guaranteed, then a drop for each roll."""
    drops = [LootDrop(drop.kind, drop.id, dice.between(*drop.amount)) for drop in table.guaranteed]
    weights = table.weights
    if weights:
        drops += [_rolled(table, weights, dice) for _ in range(dice.between(*table.rolls))]
    return tuple(drops)


def open_tables(
    user_id: str, cause: Cause, cause_id: str, goods: Reward, rules: Rules
) -> tuple[Reward, tuple[LootOpened | LootMissing, ...]]:
    """`goods` with what its tables dropped in the place of them, and each opening.

    A table that the rules in force no longer have gives nothing, and that is told: what a player
    earned is not held back because the rules have changed since it was promised.
    """
    if not goods.loot:
        return goods, ()
    parts = {"items": goods.items, "currency": goods.currency, "affinity": goods.affinity}
    sums = {name: dict(amounts) for name, amounts in parts.items()}
    openings: list[LootOpened | LootMissing] = []
    for name, times in sorted(goods.loot.items()):
        table = rules.loot.get(name)
        if table is None:
            openings.append(LootMissing(name))
            continue
        for opening in range(1, times + 1):
            drops = drops_of(table, Dice(seed_of(user_id, cause, cause_id, name, opening)))
            openings.append(LootOpened(name, opening, drops))
            for drop in drops:
                if drop.kind != "nothing":
                    part = sums[_PARTS[drop.kind]]
                    part[drop.id] = part.get(drop.id, 0) + drop.amount
    return replace(goods, **sums, loot={}), tuple(openings)


def unknown_tables(loot: dict[str, int], rules: Rules) -> Rejection | None:
    """The refusal of a reward that names tables which the rules do not have."""
    unknown = sorted(set(loot) - set(rules.loot))
    if not unknown:
        return None
    known = ", ".join(sorted(rules.loot)[:20]) or "none: the rules in force have no loot tables"
    return Rejection(
        Code.INVALID_FIELD,
        f"reward.loot names {', '.join(unknown)}, expected tables of the rules in force ({known})",
    )


def _rolled(table: LootTable, weights: int, dice: Dice) -> LootDrop:
    """One roll: entries in the order of the file, `nothing` behind them."""
    roll = dice.throw(weights)
    ends = accumulate(drop.weight for drop in table.drops)
    for drop, end in zip(table.drops, ends, strict=True):
        if roll <= end:
            return LootDrop(drop.kind, drop.id, dice.between(*drop.amount), roll, weights)
    return LootDrop("nothing", roll=roll, weights=weights)

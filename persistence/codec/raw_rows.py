"""Stored rows as plain values, and changed rows laid over them.

A row is laid over the one it replaces, so that fields which only a newer Questkeep knows stay.

Not for: rows as the domain has them (`snapshots.rows_of`).
"""

from typing import Any

from domain.state.rows import laid_over

RowsDict = dict[str, Any]
"""A user's rows by table: a list of rows for a table in `KEYS`, an amount by key for `inventory`,
`wallet` and `affinity`, one row or None for `player_progression`."""

KEYS = {
    "chapter_progression": "chapter_id",
    "quest_record": "quest_id",
    "battle_state": "battle_id",
    "repeat_tally": "scope",
    "history": "sequence",
}
"""Tables with many rows a user, and the field that tells their rows apart."""

AMOUNTS = ("inventory", "wallet", "affinity")
"""Tables of amounts by id; a change to 0 removes the row."""


class RawTables:
    """A user's rows while changes are put on them: many-row tables by key."""

    def __init__(self, rows: RowsDict) -> None:
        self._tables = {
            table: {row[KEYS[table]]: row for row in held} if table in KEYS else held
            for table, held in rows.items()
        }
        self._tables |= {table: dict(rows[table]) for table in AMOUNTS if table in rows}

    def put(self, changes: RowsDict) -> None:
        """Lay the changed rows of a reply over those that stand."""
        for table, changed in changes.items():
            if table in KEYS:
                held = self._tables.setdefault(table, {})
                for row in changed:
                    key = row[KEYS[table]]
                    held[key] = _laid_over(table, held.get(key, {}), row)
            elif table == "player_progression":
                if changed is not None:  # a row that stands does not go away
                    self._tables[table] = {**(self._tables.get(table) or {}), **changed}
            elif table in AMOUNTS:
                held = self._tables.setdefault(table, {})
                for name, amount in changed.items():
                    if amount:
                        held[name] = amount
                    else:
                        held.pop(name, None)
            else:
                self._tables[table] = changed

    def rows(self) -> RowsDict:
        """The rows as they stand now, in the shape that was given."""
        return {
            table: list(held.values()) if table in KEYS else held
            for table, held in self._tables.items()
        }


def _laid_over(table: str, held: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """`held` with the fields of `row`; of defeat counts only those that changed are in it."""
    if table == "repeat_tally" and held.get("day") == row["day"]:
        row = {**row, "defeats": laid_over(held.get("defeats", {}), row["defeats"])}
    return {**held, **row}


def put_rows(rows: RowsDict, changes: RowsDict) -> RowsDict:
    """`rows` with the changed rows in them."""
    tables = RawTables(rows)
    tables.put(changes)
    return tables.rows()


def keep_unknown_fields(stored: RowsDict, rows: RowsDict) -> RowsDict:
    """`rows` with the fields that only `stored` has; what is gone by now (goods, entries of the
    history) stays gone."""
    after = put_rows(stored, rows)
    after |= {table: rows[table] for table in AMOUNTS}
    kept = {entry["sequence"] for entry in rows["history"]}
    after["history"] = [entry for entry in after["history"] if entry["sequence"] in kept]
    return after

"""Turn-ins on PostgreSQL: one prepared call of one function, over asyncpg's pool.

Not for: the function itself (schema.sql) or the server's settings (`peer`).
"""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg

from benchmarks.peers.fastapi_app import DATASET, Answer, TurnIn, make_app

TURN_IN = "SELECT code, body FROM turn_in_quest($1, $2, $3)"
TURN_IN_MANY = "SELECT code, body FROM turn_in_quests($1, $2, $3, $4)"
COUNTS = """
    SELECT p.user_id, p.level, p.total_xp, c.actual_quest_xp AS ledger_xp,
        (SELECT count(*) FROM quest_record q
         WHERE q.user_id = p.user_id AND q.status = 'turned_in') AS turned_in,
        (SELECT count(*) FROM receipt r WHERE r.user_id = p.user_id) AS receipts
    FROM player_progression p JOIN chapter_progression c USING (user_id) ORDER BY 1
"""
SEED_USERS = """
    INSERT INTO player_progression
    SELECT format('user-%s', lpad(u::text, 4, '0')), 0, 1, 0, 0, $2, 0, NULL, $3, $3
    FROM generate_series(0, $1 - 1) u
"""
SEED_QUESTS = """
    INSERT INTO quest_record
    SELECT format('quest-%s', lpad(q::text, 6, '0')), format('user-%s', lpad(u::text, 4, '0')),
        $3, 'ready_to_turn_in', '[]', $4::json, $5, $5
    FROM generate_series(0, $1 - 1) u, generate_series(0, $2::int) q
"""


class Bare(asyncpg.Connection):
    """A connection that needs no round trip to be reset: no call leaves anything behind on it."""

    def get_reset_query(self) -> str:
        return ""


class PostgresStore:
    """Users in PostgreSQL."""

    pool: asyncpg.Pool

    async def open(self) -> None:
        size = int(os.environ["QUESTKEEP_BENCH_POOL"])
        self.pool = await asyncpg.create_pool(
            host=os.environ["QUESTKEEP_BENCH_SOCKETS"],
            user="postgres",
            database="postgres",
            min_size=size,
            max_size=size,
            connection_class=Bare,
        )

    async def turn_in(self, turn_ins: Sequence[TurnIn], minimal: bool) -> list[Answer]:
        if len(turn_ins) == 1 and not minimal:
            rows = await self.pool.fetch(TURN_IN, *turn_ins[0])
        else:
            columns = map(list, zip(*turn_ins, strict=True))
            rows = await self.pool.fetch(TURN_IN_MANY, *columns, minimal)
        return [(code, (body or "").encode()) for code, body in rows]

    async def seed(self) -> None:
        """The tables and their rows, then what an operator does after a bulk load."""
        schema = Path(__file__).with_name("schema.sql").read_text(encoding="utf-8")
        now = time.time_ns() // 1000
        users, last_quest, chapter = DATASET["users"], DATASET["last_quest"], DATASET["chapter_id"]
        plan: dict[str, Any] = DATASET["chapter"]
        columns = [*plan, "chapter_id", "level_at_entry"]
        columns += ["actual_quest_xp", "actual_hostile_xp", "actual_hostile_defeat_count"]
        values = [*plan.values(), chapter, 1, 0, 0, 0, now]
        numbers = ", ".join(f"${n}" for n in range(1, len(values)))
        last = f"${len(values)}"
        reward = f'{{"experience": {DATASET["experience"]}, "items": {{}}, '
        reward += '"currency": {}, "affinity": {}}'
        async with self.pool.acquire() as connection:
            await connection.execute(schema)
            await connection.copy_records_to_table(
                "level_benchmark", records=list(enumerate([*DATASET["xp_to_next"], 0], start=1))
            )
            await connection.execute(SEED_USERS, users, DATASET["xp_to_next"][0], now)
            await connection.execute(
                f"INSERT INTO chapter_progression (user_id, chapter_progression_id, "
                f"{', '.join(columns)}, created_at, updated_at) "
                f"SELECT user_id, user_id || '/' || '{chapter}', {numbers}, {last}, {last} "
                f"FROM player_progression",
                *values,
            )
            await connection.execute(SEED_QUESTS, users, last_quest, chapter, reward, now)
            await connection.execute("VACUUM ANALYZE")
            await connection.execute("CHECKPOINT")

    async def stored(self) -> list[dict[str, Any]]:
        return [dict(row) for row in await self.pool.fetch(COUNTS)]

    async def close(self) -> None:
        await self.pool.close()


app = make_app(PostgresStore())

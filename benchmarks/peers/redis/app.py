"""Turn-ins on Redis: one EVALSHA of one script, over redis-py's asyncio pool with hiredis.

Not for: the script itself (turn_in.lua) or the server's settings (`peer`).
"""

import os
import time
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import redis.asyncio as redis

from benchmarks.peers.fastapi_app import DATASET, Answer, TurnIn, make_app

SEED = """
local user, quests, now = ARGV[1], tonumber(ARGV[2]), ARGV[3]
for q = 0, quests do
  redis.call('HSET', string.format('{%s}:quest:quest-%06d', user, q), 'status',
    'ready_to_turn_in', 'chapter_id', ARGV[4], 'experience', ARGV[5], 'objectives', '[]',
    'reward', ARGV[6], 'created_at', now, 'updated_at', now)
end
"""
COUNT = """
local turned_in = 0
for q = 0, tonumber(ARGV[2]) do
  local status = redis.call('HGET', string.format('{%s}:quest:quest-%06d', ARGV[1], q), 'status')
  if status == 'turned_in' then turned_in = turned_in + 1 end
end
return turned_in
"""


class RedisStore:
    """Users in Redis: a hash for each row, and one of receipts for each user."""

    async def open(self) -> None:
        pool = redis.BlockingConnectionPool(
            connection_class=redis.UnixDomainSocketConnection,
            path=os.environ["QUESTKEEP_BENCH_SOCKET"],
            max_connections=int(os.environ["QUESTKEEP_BENCH_POOL"]),
            timeout=None,
        )
        self.client = redis.Redis(connection_pool=pool)
        costs = ",".join(map(str, DATASET["xp_to_next"]))
        script = Path(__file__).with_name("turn_in.lua").read_text(encoding="utf-8")
        self.sha = await self.client.script_load(f"local XP_TO_NEXT = {{{costs}}}\n{script}")

    async def turn_in(self, turn_ins: Sequence[TurnIn], minimal: bool) -> list[Answer]:
        fields = chain.from_iterable(turn_ins)
        form = "minimal" if minimal else "whole"
        answers = await self.client.evalsha(self.sha, 0, form, *fields)
        return [
            (code.decode(), body) for code, body in zip(answers[::2], answers[1::2], strict=True)
        ]

    async def seed(self) -> None:
        now = time.time_ns() // 1000
        chapter_id = DATASET["chapter_id"]
        experience = DATASET["experience"]
        reward = f'{{"experience":{experience},"items":{{}},"currency":{{}},"affinity":{{}}}}'
        player = {
            "version": 0,
            "level": 1,
            "current_level_xp": 0,
            "total_xp": 0,
            "xp_to_next_level": DATASET["xp_to_next"][0],
            "pending_level_ups": 0,
            "created_at": now,
            "updated_at": now,
        }
        ledger = {"actual_quest_xp": 0, "actual_hostile_xp": 0, "actual_hostile_defeat_count": 0}
        for user in self.users():
            chapter = {**DATASET["chapter"], **ledger, "level_at_entry": 1, "created_at": now}
            chapter |= {"chapter_progression_id": f"{user}/{chapter_id}", "updated_at": now}
            pipe = self.client.pipeline(transaction=False)
            pipe.hset(f"{{{user}}}:progression", mapping=player)
            pipe.hset(f"{{{user}}}:chapter:{chapter_id}", mapping=chapter)
            pipe.eval(SEED, 0, user, DATASET["last_quest"], now, chapter_id, experience, reward)
            await pipe.execute()

    async def stored(self) -> list[dict[str, Any]]:
        rows = []
        for user in self.users():
            pipe = self.client.pipeline(transaction=False)
            pipe.hmget(f"{{{user}}}:progression", "level", "total_xp")
            pipe.hget(f"{{{user}}}:chapter:{DATASET['chapter_id']}", "actual_quest_xp")
            pipe.eval(COUNT, 0, user, DATASET["last_quest"])
            pipe.hlen(f"{{{user}}}:receipts")
            (level, total), ledger, turned_in, receipts = await pipe.execute()
            row = {"user_id": user, "level": int(level), "total_xp": int(total)}
            row |= {"ledger_xp": int(ledger), "turned_in": turned_in, "receipts": receipts}
            rows.append(row)
        return rows

    def users(self) -> list[str]:
        return [f"user-{number:04d}" for number in range(DATASET["users"])]

    async def close(self) -> None:
        await self.client.aclose()


app = make_app(RedisStore())

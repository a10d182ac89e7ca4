"""The naive reading of "an actor per user": Ray Serve in front, a Ray actor for each user.

Each actor keeps its rows in memory and its journal in a file of its own, synced before it answers.
Started as a script: it brings up a small Ray of its own and serves until it is told to stop.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import ray
from ray import serve
from ray.actor import ActorHandle
from ray.serve.config import HTTPOptions

from benchmarks.peers.fastapi_app import DATASET, Answer, TurnIn, make_app

Row = dict[str, Any]


class User:
    """One user: a turn-in is a line in the journal, then the rows change, then it is answered."""

    def __init__(self, user_id: str, folder: str) -> None:
        now = time.time_ns() // 1000
        self.journal = os.open(Path(folder) / f"{user_id}.journal", os.O_CREAT | os.O_WRONLY)
        self.version = 0
        self.receipts: dict[str, tuple[str, bytes]] = {}
        self.player: Row = {
            "user_id": user_id,
            "level": 1,
            "current_level_xp": 0,
            "total_xp": 0,
            "xp_to_next_level": DATASET["xp_to_next"][0],
            "pending_level_ups": 0,
            "last_granted_source": None,
            "created_at": now,
            "updated_at": now,
        }
        self.chapter: Row = {
            "chapter_progression_id": f"{user_id}/{DATASET['chapter_id']}",
            "user_id": user_id,
            "chapter_id": DATASET["chapter_id"],
            **DATASET["chapter"],
            "actual_quest_xp": 0,
            "actual_hostile_xp": 0,
            "actual_hostile_defeat_count": 0,
            "level_at_entry": 1,
            "level_at_exit": None,
            "created_at": now,
            "updated_at": now,
        }
        reward = {"experience": DATASET["experience"], "items": {}, "currency": {}, "affinity": {}}
        self.quests: dict[str, Row] = {
            f"quest-{number:06d}": {
                "quest_id": f"quest-{number:06d}",
                "user_id": user_id,
                "chapter_id": DATASET["chapter_id"],
                "status": "ready_to_turn_in",
                "objectives": [],
                "reward": reward,
                "created_at": now,
                "updated_at": now,
            }
            for number in range(DATASET["last_quest"] + 1)
        }

    def turn_in(self, command_id: str, quest_id: str) -> tuple[str, bytes]:
        """One command; Ray runs one at a time."""
        if (known := self.receipts.get(command_id)) is not None:
            if known[0] != quest_id:
                return "command_id_reused", b""
            return "ok", known[1].replace(b'"replayed":false', b'"replayed":true', 1)
        if (quest := self.quests.get(quest_id)) is None:
            return "quest_not_found", b""
        if quest["status"] == "turned_in":
            return "quest_already_turned_in", b""
        now = time.time_ns() // 1000
        after = {**quest, "status": "turned_in", "updated_at": now}
        amount = quest["reward"]["experience"]
        player = self.granted(amount, now)
        chapter = {**self.chapter, "level_at_exit": player["level"], "updated_at": now}
        chapter["actual_quest_xp"] += amount
        reply = orjson.dumps(
            {
                "command_id": command_id,
                "version": self.version + 1,
                "replayed": False,
                "changes": {
                    "player_progression": player,
                    "chapter_progression": [chapter],
                    "quest_record": [after],
                },
            }
        )
        os.write(self.journal, reply + b"\n")
        os.fdatasync(self.journal)
        self.version += 1
        self.player, self.chapter, self.quests[quest_id] = player, chapter, after
        self.receipts[command_id] = quest_id, reply
        return "ok", reply

    def granted(self, amount: int, now: int) -> Row:
        """The player's row with `amount` XP more, carried over as many levels as it reaches."""
        row = {**self.player, "last_granted_source": "quest", "updated_at": now}
        row["total_xp"] += amount
        row["current_level_xp"] += amount
        while 0 < row["xp_to_next_level"] <= row["current_level_xp"]:
            row["current_level_xp"] -= row["xp_to_next_level"]
            row["level"] += 1
            costs = DATASET["xp_to_next"]
            row["xp_to_next_level"] = costs[row["level"] - 1] if row["level"] <= len(costs) else 0
        row["pending_level_ups"] += row["level"] - self.player["level"]
        return row

    def stored(self) -> Row:
        """For the harness: what is kept now."""
        return {
            "user_id": self.player["user_id"],
            "level": self.player["level"],
            "total_xp": self.player["total_xp"],
            "ledger_xp": self.chapter["actual_quest_xp"],
            "turned_in": sum(one["status"] == "turned_in" for one in self.quests.values()),
            "receipts": len(self.receipts),
        }


class ActorStore:
    """Users as named actors, created at the first message and found again by name."""

    def __init__(self) -> None:
        self.handles: dict[str, ActorHandle] = {}

    async def open(self) -> None: ...

    def handle(self, user_id: str) -> ActorHandle:
        if (known := self.handles.get(user_id)) is None:
            actor = ray.remote(num_cpus=0)(User)
            options = {"name": user_id, "namespace": "bench", "get_if_exists": True}
            folder = os.environ["QUESTKEEP_BENCH_FOLDER"]
            known = actor.options(**options, lifetime="detached").remote(user_id, folder)
            self.handles[user_id] = known
        return known

    async def turn_in(self, turn_ins: Sequence[TurnIn], minimal: bool) -> list[Answer]:
        """A call for each: this reading of it has no batches, and replies are always whole."""
        calls = (self.handle(user).turn_in.remote(*rest) for user, *rest in turn_ins)
        return list(await asyncio.gather(*calls))

    async def seed(self) -> None:
        """An actor seeds itself; awake are all of them after a first message."""
        await self.stored()

    async def stored(self) -> list[Row]:
        users = [f"user-{number:04d}" for number in range(DATASET["users"])]
        return await asyncio.gather(*(self.handle(user).stored.remote() for user in users))

    async def close(self) -> None: ...


def main(port: int, replicas: int) -> None:
    """Serve until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    ray.init("local", include_dashboard=False, object_store_memory=100 * 2**20)
    try:
        serve.start(http_options=HTTPOptions(host="127.0.0.1", port=port))
        ingress = serve.ingress(make_app(ActorStore()))(type("Ingress", (), {}))
        deployment = serve.deployment(
            num_replicas=replicas, max_ongoing_requests=2_000, ray_actor_options={"num_cpus": 0}
        )(ingress)
        serve.run(deployment.bind(), route_prefix="/", logging_config={"enable_access_log": False})
        signal.pause()
    finally:
        ray.shutdown()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))

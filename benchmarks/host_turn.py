"""CPU of one turn-in inside a host: bytes in, rules, journal record, bytes out; no net.

    python -m benchmarks.host_turn [--rounds 5]

Prints the median CPU time of a turn-in in microseconds (goal: at most 22), sent one at a
time and in batches of 64, with a store in memory and with one on disk that is synced, beside the
bare rules in a loop, which is the floor.  CPU is that of all threads, the journal's too.
"""

import argparse
import asyncio
import itertools
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

from actors.gc_tuning import collect_new_objects_only
from actors.host.host import Host
from actors.host.settings import HostSettings
from actors.messages import Ask, Media
from actors.transport.call_channel import (
    decode_batch,
    decode_replies,
    encode_batch,
    encode_replies,
)
from domain.decide.dispatch import decide
from domain.messages.commands import decode_command
from domain.messages.rejections import Rejection
from domain.rules.compiled_rules import Rules, compile_rules
from domain.rules.load import preset_text
from domain.state.user_state import UserState
from persistence.memory import MemoryStore, World
from persistence.open import open_store
from persistence.store import Store

RULES_TEXT = preset_text()
USERS = 1_000
QUESTS = 8
CHAPTER = {
    "chapter_id": "ch",
    "chapter_index": 1,
    "total_chapters": 3,
    "entry_pseudo_level_millis": 1000,
    "exit_pseudo_level_millis": 3000,
    "entry_level": 1,
    "exit_level": 3,
    "planned_total_xp": 1300,
    "planned_quest_xp": 800,
    "planned_hostile_xp": 500,
    "expected_hostile_defeat_count": 4,
    "pace_band": "steady",
}


def preparation(user_id: str) -> list[Ask]:
    """A plan and ready quests for one user."""
    plan: dict[str, Any] = {"command_id": "plan", "type": "upsert_chapter_progression", **CHAPTER}
    offers: Iterator[dict[str, Any]] = (
        {
            "command_id": f"offer-{n}",
            "type": "offer_quest",
            "quest_id": f"q{n}",
            "chapter_id": "ch",
            "reward": {"experience": 120},
        }
        for n in range(QUESTS)
    )
    return [Ask.of(user_id, decode_command(fields), Media.JSON) for fields in (plan, *offers)]


def turn_ins() -> list[Ask]:
    """Every user's every quest, users in turn."""
    commands = [
        decode_command({"command_id": f"turn-{n}", "type": "turn_in_quest", "quest_id": f"q{n}"})
        for n in range(QUESTS)
    ]
    return [
        Ask.of(f"u{user}", command, Media.JSON) for command in commands for user in range(USERS)
    ]


async def in_host(batch_size: int, store: Store) -> float:
    """Microseconds of CPU a turn-in, sent in batches of `batch_size`."""
    clock = itertools.count(1)
    settings = HostSettings("memory://bench", RULES_TEXT)
    host = Host(
        "bench",
        store,
        settings,
        now=lambda: next(clock),
        on_fenced=lambda: None,
    )
    for user in range(USERS):
        await host.ask(preparation(f"u{user}"))
    asks = turn_ins()
    batches = [
        encode_batch([asks[start : start + batch_size]])
        for start in range(0, len(asks), batch_size)
    ]
    before = time.process_time()
    answers = [encode_replies([await host.ask(decode_batch(batch)[0])]) for batch in batches]
    spent = time.process_time() - before
    replies = [reply for answer in answers for reply in decode_replies(answer)[0]]
    assert all(reply.code == "" for reply in replies)
    return spent / len(asks) * 1e6


def in_memory(batch_size: int) -> float:
    """Without a disk."""
    return asyncio.run(in_host(batch_size, MemoryStore(World())))


def on_disk(batch_size: int) -> float:
    """With a journal that is synced before every reply."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(in_host(batch_size, open_store(f"file://{folder}")))


def bare_rules(rules: Rules) -> float:
    """Microseconds of CPU a turn-in for the rules alone: checked command in, next state out."""
    state = UserState("u")
    for ask in preparation("u"):
        decision = decide(state, ask.decode(), 1, rules)
        assert not isinstance(decision, Rejection)
        state = state.put(decision.changes)
    command = decode_command({"command_id": "t", "type": "turn_in_quest", "quest_id": "q0"})
    times = 20_000
    before = time.process_time()
    for _ in range(times):
        decision = decide(state, command, 1, rules)
        assert not isinstance(decision, Rejection)
        state.put(decision.changes)
    return (time.process_time() - before) / times * 1e6


def main() -> None:
    """Measure in turn, print medians and spread."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    rules = compile_rules(RULES_TEXT)
    collect_new_objects_only()  # as every host process does
    measures: dict[str, Callable[[], float]] = {
        "host, one at a time": lambda: in_memory(1),
        "host, batches of 64": lambda: in_memory(64),
        "the same, disk synced": lambda: on_disk(64),
        "bare rules": lambda: bare_rules(rules),
    }
    figures: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            figures[name].append(measure())
    for name, found in figures.items():
        print(
            f"{name:22} {statistics.median(found):6.1f} us  ({min(found):.1f} to {max(found):.1f})"
        )


if __name__ == "__main__":
    main()

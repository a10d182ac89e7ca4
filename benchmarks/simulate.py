"""Simulated turns a second: a worked story through the real rules, in one process and in all.

python -m benchmarks.simulate [--players 2000]

What was trimmed to get there, found with cProfile on `examples/stories/long.toml`:

- A state keeps every quest and battle for ever, and `UserState.put` copies the tables it changes:
  the longer the story, the slower the turn.  Those of a chapter that is over are dropped at its
  end, and history entries beyond the newest are left out of memory, as the server does.  No
  rule looks at either, and a test plays with and without.
- Commands that are the same for all players (quests, the story's plan) are decoded once.  Those of
  a fight are decoded for each fight, not for each blow.
- Looking for garbage in cycles is off in the workers: states are trees.
- Each worker plays about 40,000 turns between two reports, so that passing numbers costs nothing.

What is left is the rules themselves: combat and rewards a fifth each, `put` a tenth, the rest
spread thin.
"""

import argparse
import os
import time
from pathlib import Path

from designer.simulation.run import Task, cpus, play
from designer.simulation.story_file import read_story
from domain.rules.load import rules_of

STORIES = Path(__file__).parents[1] / "examples" / "stories"


def main() -> None:
    """Print turns a second, by the clock and by the CPU time that was spent."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--players", type=int, default=2_000)
    players = parser.parse_args().players
    for story in ("short", "long"):
        path = STORIES / f"{story}.toml"
        text = path.read_text(encoding="utf-8")
        count = players if story == "short" else max(1, players // 7)
        task = Task(text, rules_of(read_story(text).rules, path.parent), count, seed=7)
        for processes in (1, cpus()):
            print(_measured(story, task, processes), flush=True)


def _measured(story: str, task: Task, processes: int) -> str:
    spent = _cpu_seconds()
    began = time.perf_counter()
    turns = play(task, processes).totals.turns
    wall, spent = time.perf_counter() - began, _cpu_seconds() - spent
    return (
        f"{story:<6} {processes} process{'es' if processes > 1 else '  '} {turns:>10,} turns "
        f"{turns / wall:>9,.0f} turns/s {turns / spent:>9,.0f} turns per CPU second"
    )


def _cpu_seconds() -> float:
    """This process and its children that have ended."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


if __name__ == "__main__":
    main()

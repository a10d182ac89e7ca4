"""Play a story of three chapters for a few players against a running server.

    make run                                    # in one terminal
    .venv/bin/python examples/three_chapters.py # in another, in the same folder

(The same folder, because that is where the development secret lies that signs the tokens.)

A game service plans the chapters, offers the quests and opens the battles; the players turn in and
fight, each in their own way: one does everything, one skips side quests, one runs from a fight and
spars on the way.  At the end the script prints, per chapter, what was planned and what came of it,
and checks that every level and every ledger adds up.
"""

import argparse
import json
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

Row = dict[str, Any]


@dataclass(frozen=True)
class Chapter:
    """A chapter as designed: XP budgets, and the quests and hostiles that spend them."""

    id: str
    entry_level: int
    exit_level: int
    quest_xp: int
    hostile_xp: int
    quests: int
    hostiles: tuple[str, ...]  # tiers, in the order they are met
    pace_band: str


STORY = (
    Chapter("emberfall", 1, 3, 880, 420, 4, ("minion", "minion", "standard"), "opening_fast"),
    Chapter("tidegate", 3, 5, 2300, 1200, 4, ("minion", "standard", "standard"), "steady"),
    Chapter("nightspire", 5, 7, 4000, 2400, 4, ("standard", "elite", "boss"), "finale_dense"),
)

PLAYERS = ("alice", "bruno", "chika")
SKIPS_SIDE_QUESTS = "bruno"
SPARS_AND_RUNS = "chika"


class Client:
    """One caller of Questkeep's HTTP API."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._token = token

    def get(self, path: str) -> Row:
        """A read."""
        return self._call("GET", path, None)

    def send(self, user_id: str, type_: str, **fields: Any) -> Row:
        """A command under a fresh id; when its reply is lost, the same command again."""
        command = {"command_id": str(uuid.uuid4()), "type": type_, **fields}
        return self._call("POST", f"/v1/users/{user_id}/commands", command)

    def _call(self, method: str, path: str, body: Row | None, tries: int = 5) -> Row:
        request = urllib.request.Request(
            self._url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"authorization": f"Bearer {self._token}", "content-type": "application/json"},
        )
        for left in reversed(range(tries)):
            try:
                with urllib.request.urlopen(request, timeout=60) as response:
                    answer: Row = json.load(response)
                    return answer
            except urllib.error.HTTPError as error:
                problem = json.load(error)
                if left and "retry_after_ms" in problem:
                    continue
                raise SystemExit(
                    f"{method} {path}: {problem['code']}: {problem['detail']}"
                ) from None
            except OSError as error:
                if not left:
                    raise SystemExit(f"{self._url} does not answer: {error}") from None
        raise AssertionError("unreachable")


def play(service: Client, player: Client, user_id: str, run: str) -> None:
    """One player's way through the story.  `run` keeps the ids of one run apart from the next."""
    for index, chapter in enumerate(STORY, start=1):
        service.send(user_id, "upsert_chapter_progression", **plan(chapter, index, run))
        play_quests(service, player, user_id, chapter, run)
        play_battles(service, player, user_id, chapter, run)
        player.send(user_id, "acknowledge_level_ups")


def plan(chapter: Chapter, index: int, run: str) -> Row:
    """The chapter's plan as the command's fields."""
    return {
        "chapter_id": f"{chapter.id}-{run}",
        "chapter_index": index,
        "total_chapters": len(STORY),
        "entry_pseudo_level_millis": chapter.entry_level * 1000,
        "exit_pseudo_level_millis": chapter.exit_level * 1000,
        "entry_level": chapter.entry_level,
        "exit_level": chapter.exit_level,
        "planned_total_xp": chapter.quest_xp + chapter.hostile_xp,
        "planned_quest_xp": chapter.quest_xp,
        "planned_hostile_xp": chapter.hostile_xp,
        "expected_hostile_defeat_count": len(chapter.hostiles),
        "pace_band": chapter.pace_band,
    }


def play_quests(service: Client, player: Client, user_id: str, chapter: Chapter, run: str) -> None:
    """Take the chapter's quests and turn them in; a skipped one is abandoned."""
    for number in range(1, chapter.quests + 1):
        quest_id = f"{chapter.id}-{run}-quest-{number}"
        service.send(
            user_id,
            "offer_quest",
            quest_id=quest_id,
            chapter_id=f"{chapter.id}-{run}",
            reward={
                "experience": chapter.quest_xp // chapter.quests,
                "currency": {"gold": 10 * number},
                "items": {"potion": 1} if number == 1 else {},
            },
        )
        if user_id.startswith(SKIPS_SIDE_QUESTS) and number == chapter.quests:
            player.send(user_id, "abandon_quest", quest_id=quest_id)
        else:
            player.send(user_id, "turn_in_quest", quest_id=quest_id)


def play_battles(service: Client, player: Client, user_id: str, chapter: Chapter, run: str) -> None:
    """Fight the chapter's hostiles; one player also spars and runs, which grants nothing."""
    if user_id.startswith(SPARS_AND_RUNS):
        fight(service, player, user_id, chapter, f"spar-{run}", tier="standard", mode="spar")
        fight(service, player, user_id, chapter, f"run-{run}", tier="elite", runs=True)
    for number, tier in enumerate(chapter.hostiles, start=1):
        fight(service, player, user_id, chapter, f"fight-{run}-{number}", tier=tier)


def fight(
    service: Client,
    player: Client,
    user_id: str,
    chapter: Chapter,
    name: str,
    *,
    tier: str,
    mode: str = "fight",
    runs: bool = False,
) -> None:
    """One battle to its end: strong hostiles are met with skill, or run from."""
    battle_id = f"{chapter.id}-{name}"
    run = name.split("-")[1]
    service.send(
        user_id,
        "start_battle",
        battle_id=battle_id,
        chapter_id=f"{chapter.id}-{run}",
        mode=mode,
        hostile={"hostile_id": f"{chapter.id}-{tier}", "tier": tier},
        experience_reward=chapter.hostile_xp // len(chapter.hostiles),
    )
    action = "skill" if tier in ("elite", "boss") else "attack"
    outcome = "ongoing"
    while outcome == "ongoing":
        reply = player.send(
            user_id,
            "resolve_combat_action",
            battle_id=battle_id,
            action="escape" if runs else action,
        )
        outcome = reply["changes"]["battle_state"][0]["outcome"]


def report(service: Client, users: list[str], run: str) -> list[str]:
    """Print planned against actual; return what does not add up (nothing, if all is well)."""
    table = Table(title="Actual / planned")
    for name in ("player", "chapter", "quest XP", "hostile XP", "defeats", "in", "level out"):
        table.add_column(name, justify="left" if name in ("player", "chapter") else "right")
    wrong: list[str] = []
    for user_id in users:
        user = service.get(f"/v1/users/{user_id}")
        earned = 0
        for row in user["chapter_progression"]:
            if not row["chapter_id"].endswith(run):
                continue
            earned += row["actual_quest_xp"] + row["actual_hostile_xp"]
            table.add_row(
                user_id.removesuffix(f"-{run}"),
                row["chapter_id"].removesuffix(f"-{run}"),
                f"{row['actual_quest_xp']} / {row['planned_quest_xp']}",
                f"{row['actual_hostile_xp']} / {row['planned_hostile_xp']}",
                f"{row['actual_hostile_defeat_count']} / {row['expected_hostile_defeat_count']}",
                str(row["level_at_entry"]),
                f"{row['level_at_exit']} / {row['exit_level']}",
            )
        table.add_section()
        wrong += check(service, user, earned)
    Console().print(table)
    return wrong


def check(service: Client, user: Row, earned: int) -> list[str]:
    """What does not add up for one user: levels against the curve, XP against the ledgers."""
    levels = service.get("/v1/rules")["level_benchmarks"]
    row = user["player_progression"]
    wrong = []
    if row["total_xp"] != levels[row["level"] - 1]["cumulative_xp"] + row["current_level_xp"]:
        wrong.append(f"{user['user_id']}: total_xp is not the level's cumulative_xp and the rest")
    if row["total_xp"] != earned:
        wrong.append(f"{user['user_id']}: total_xp {row['total_xp']}, but the ledgers say {earned}")
    if row["pending_level_ups"]:
        wrong.append(f"{user['user_id']}: level-ups left to acknowledge")
    return wrong


def token(*arguments: str) -> str:
    """A development token from the server's own command."""
    command = [sys.executable, "-m", "cli", "token", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def main() -> int:
    """Play, report, and say by the exit code whether everything adds up."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    url = parser.parse_args().url
    run = uuid.uuid4().hex[:8]
    service = Client(url, token("--service", "story"))
    users = [f"{name}-{run}" for name in PLAYERS]
    for user_id in users:
        play(service, Client(url, token("--user", user_id)), user_id, run)
    wrong = report(service, users, run)
    for sentence in wrong:
        print(f"WRONG: {sentence}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

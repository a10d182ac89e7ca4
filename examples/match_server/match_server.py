"""A small match server: it acts for all players of a match over one live connection.

    make run ARGS="--placement local"                        # in one terminal
    .venv/bin/python examples/match_server/match_server.py   # in another, in the same folder

(The same folder, because that is where the development secret lies that signs the token.)

A party is offered a hunt, meets waves of wolves, and hands the hunt in.  Each step goes to all
without waiting for each (`pipeline`); for one player the steps take effect in their order.  Every
command has an id made of match, step and player: a match server that is killed and plays the match
again from its start pays nobody twice.
"""

import argparse
import asyncio
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from questkeep_client import (
    Client,
    Command,
    OfferQuest,
    Problem,
    RecordSignal,
    TurnInQuest,
    connect,
)

WOLVES_A_WAVE = 3
REWARD = {"experience": 500, "currency": {"gold": 20}}


@dataclass(frozen=True)
class Summary:
    """What came of a match: commands that took effect, levels reached, and refusals."""

    commands: int
    levels: int
    problems: tuple[Problem, ...]


class Match:
    """One match of a party.  `match_id` is the match's own for ever."""

    def __init__(self, service: Client, match_id: str, party: Sequence[str], waves: int) -> None:
        self._service = service
        self._id = match_id
        self._party = party
        self._waves = waves

    async def play(self) -> Summary:
        """Play the match to its end; done when everything is stored."""
        wolves = {"kind": "defeat", "target": "wolf", "required": WOLVES_A_WAVE * self._waves}
        hunt = f"hunt-{self._id}"
        offer = OfferQuest(hunt, REWARD, objectives=[wolves])
        steps: list[tuple[str, Command]] = [("offer", offer)]
        for wave in range(self._waves):
            steps.append((f"wave-{wave}", RecordSignal("defeat", "wolf", WOLVES_A_WAVE)))
        steps.append(("turn-in", TurnInQuest(hunt)))
        async with self._service.pipeline(window=2_000) as pipeline:
            for name, command in steps:
                for user_id in self._party:
                    pipeline.send(user_id, command, f"{self._id}.{name}.{user_id}")
        levels = sum(
            event["type"] == "level_reached"
            for reply in pipeline.replies
            if not reply["replayed"]
            for event in reply["events"]
        )
        took_effect = sum(not reply["replayed"] for reply in pipeline.replies)
        return Summary(took_effect, levels, tuple(pipeline.problems))


async def play(url: str, token: str, match_id: str, party: Sequence[str], waves: int) -> Summary:
    """Connect as a service, and play one match."""
    async with connect(url, token) as service:
        return await Match(service, match_id, party, waves).play()


def main() -> None:
    parser = argparse.ArgumentParser(description="Play one match of a large party.")
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--token", help="a service's; without one, `questkeep token` makes it")
    parser.add_argument("--match", default=f"m{int(time.time())}", help="a name of its own")
    parser.add_argument("--players", type=int, default=200)
    parser.add_argument("--waves", type=int, default=5)
    options = parser.parse_args()
    party = [f"player-{number}" for number in range(options.players)]
    began = time.perf_counter()
    token = options.token or _development_token()
    summary = asyncio.run(play(options.url, token, options.match, party, options.waves))
    seconds = time.perf_counter() - began
    print(f"{summary.commands} commands in {seconds:.2f} s, {summary.levels} levels reached")
    for problem in summary.problems[:5]:
        print("refused:", problem)


def _development_token() -> str:
    questkeep = Path(__file__).parents[2] / ".venv" / "bin" / "questkeep"
    command = [str(questkeep), "token", "--service", "match-server"]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    main()

"""What every peer is given: users with quests that are ready, and the numbers of a turn-in.

The same dataset for all: each user is at level 1 in one chapter and has quests 0 to N, each worth
the same.  The first four belong to the rules probe (`check`), the others to the load.

Not for: how a peer keeps it.
"""

import json
import secrets
import time
import tomllib
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import jwt

RULES_FILE = Path(__file__).parents[2] / "domain" / "rules" / "presets" / "default.toml"
EXPERIENCE = 120
CHAPTER_ID = "chapter-1"
CHAPTER_PLAN = {
    "chapter_index": 1,
    "total_chapters": 10,
    "entry_pseudo_level_millis": 1000,
    "exit_pseudo_level_millis": 6000,
    "entry_level": 1,
    "exit_level": 6,
    "planned_total_xp": 7600,
    "planned_quest_xp": 5000,
    "planned_hostile_xp": 2600,
    "expected_hostile_defeat_count": 40,
    "pace_band": "steady",
}
ENVIRONMENT_KEY = "QUESTKEEP_BENCH_DATASET"
"""The environment variable in which a peer's processes find the dataset, as JSON."""
TOKEN_SECONDS = 24 * 3600
PROBE_QUESTS = 4
"""Quests of each user that the load leaves alone."""


def user_id(number: int) -> str:
    """The id of a user, counted from 0."""
    return f"user-{number:04d}"


def quest_id(number: int) -> str:
    """The id of a quest; every user has quests of the same names."""
    return f"quest-{number:06d}"


@dataclass(frozen=True)
class Dataset:
    """One seeded dataset.  `quests` is how many the load may turn in for each user."""

    users: int
    quests: int
    secret: str
    xp_to_next: tuple[int, ...]

    @property
    def last_quest(self) -> int:
        """The number of the last quest that each user has, counted from 0."""
        return PROBE_QUESTS + self.quests - 1

    def text(self) -> str:
        """The dataset as JSON, for the environment of a peer's processes."""
        return json.dumps(
            {
                "users": self.users,
                "last_quest": self.last_quest,
                "secret": self.secret,
                "experience": EXPERIENCE,
                "chapter_id": CHAPTER_ID,
                "xp_to_next": list(self.xp_to_next),
                "chapter": CHAPTER_PLAN,
            }
        )

    def token(self, user: int) -> str:
        """A bearer token of this user, with the claims Questkeep asks for."""
        return self._token(user_id(user), "player")

    def service_token(self) -> str:
        """A bearer token of a service, which acts for every user."""
        return self._token("bench", "service")

    def _token(self, subject: str, role: str) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {
            "sub": subject,
            "role": role,
            "aud": "questkeep",
            "iat": now,
            "exp": now + TOKEN_SECONDS,
        }
        return jwt.encode(claims, self.secret, algorithm="HS256")

    def level_of(self, total_xp: int) -> int:
        """The level that this many XP reach from level 1."""
        return 1 + sum(reached <= total_xp for reached in accumulate(self.xp_to_next))


def make_dataset(users: int, quests: int) -> Dataset:
    """A dataset under Questkeep's own level table, with a fresh secret."""
    rules = tomllib.loads(RULES_FILE.read_text(encoding="utf-8"))
    return Dataset(users, quests, secrets.token_hex(32), tuple(rules["levels"]["xp_to_next"]))

"""Questkeep under measurement: `questkeep serve` on a `file://` store, seeded over HTTP.

The users' quests are offered by a service in lists of 100, as a game would.
"""

import json
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jwt

from benchmarks.dataset import CHAPTER_ID, CHAPTER_PLAN, EXPERIENCE, Dataset, quest_id, user_id
from benchmarks.peer import Setting, StoredUser
from benchmarks.processes import ROOT, Servers, free_port

START_SECONDS = 120.0
CALL_SECONDS = 120.0
LIST_MAX = 100
SEEDERS = 8
ROOM = 8_192
"""A thousand connections, beside a thousand requests that the warm-up left behind; and one user's
share of it is enough where eight users have all the connections."""


class Questkeep:
    """One placement of Questkeep; `users` are few where each is a process.

    `checkout` is another checkout of the project to start in place of this one, with its `.venv`.
    """

    keeps = True

    def __init__(self, placement: str, checkout: Path | None = None) -> None:
        dedicated = placement == "dedicated"
        self.name = f"questkeep_{placement}"
        self.title = f"Questkeep, {placement} placement" + (" (8 users)" if dedicated else "")
        self.users = 8 if dedicated else 1_000
        self.rate = 2_000 if dedicated else 25_000
        self._placement = placement
        self._root = checkout or ROOT
        self._python = str(checkout / ".venv" / "bin" / "python") if checkout else sys.executable
        self._servers: Servers | None = None
        self._dataset: Dataset | None = None
        self._seeded = 0
        self._url = ""

    @property
    def settings(self) -> Sequence[Setting]:
        """Hosts to try; the machine has few cores, and the gateway and the load want theirs."""
        if self._placement == "dedicated":
            return (Setting("one process a user"),)
        return (Setting("hosts=1", {"hosts": "1"}), Setting("hosts=2", {"hosts": "2"}))

    def install(self) -> None:
        """Nothing: it is what runs this."""

    def start(self, setting: Setting, dataset: Dataset) -> str:
        """A server on an empty store, and every user with a plan and ready quests."""
        servers = self._servers = Servers(self.name)
        port = free_port()
        self._dataset, self._url = dataset, f"http://127.0.0.1:{port}"
        hosts = ["--hosts", setting.options["hosts"]] if "hosts" in setting.options else []
        servers.start(
            "questkeep",
            [
                *(self._python, "-m", "gateway", "serve", "--port", str(port)),
                *("--placement", self._placement, "--store", f"file://{servers.folder}/data"),
                *("--requests-in-flight-max", str(ROOM)),
                *("--log-level", "warning", *hosts),
            ],
            {"QUESTKEEP_JWT_SECRET": dataset.secret, "PYTHONUNBUFFERED": "1"},
            cwd=self._root,
        )
        servers.await_http(f"{self._url}/readyz", START_SECONDS)
        self._seeded = len(list(_preparation(dataset.quests)))
        with ThreadPoolExecutor(SEEDERS) as seeders:
            for _ in seeders.map(self._seed, range(dataset.users)):
                pass
        return self._url

    def _seed(self, user: int) -> None:
        assert self._dataset is not None
        commands = list(_preparation(self._dataset.quests))
        for start in range(0, len(commands), LIST_MAX):
            path = f"/v1/users/{user_id(user)}/commands"
            for reply in self._call(path, commands[start : start + LIST_MAX]):
                if "code" in reply:
                    raise RuntimeError(f"seeding was refused: {reply}")

    def _call(self, path: str, body: Any = None) -> Any:
        assert self._dataset is not None
        now = int(time.time())
        claims = {"sub": "bench", "role": "service", "aud": "questkeep"}
        token = jwt.encode(
            {**claims, "iat": now, "exp": now + 3600}, self._dataset.secret, algorithm="HS256"
        )
        request = urllib.request.Request(
            self._url + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"authorization": f"Bearer {token}", "content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=CALL_SECONDS) as answer:
            return json.load(answer)

    def stored(self) -> Sequence[StoredUser]:
        """What a reader is told of every user: durable rows."""
        assert self._dataset is not None
        with ThreadPoolExecutor(SEEDERS) as readers:
            return list(readers.map(self._stored, range(self._dataset.users)))

    def _stored(self, user: int) -> StoredUser:
        state = self._call(f"/v1/users/{user_id(user)}")
        player, chapters = state["player_progression"], state["chapter_progression"]
        turned_in = sum(one["status"] == "turned_in" for one in state["quest_record"])
        return StoredUser(
            user_id=state["user_id"],
            level=player["level"],
            total_xp=player["total_xp"],
            ledger_xp=sum(one["actual_quest_xp"] for one in chapters),
            turned_in=turned_in,
            # Versions are gapless and each is one command's: what is not seeding are turn-ins.
            receipts=state["version"] - self._seeded,
        )

    def version(self) -> str:
        """As installed."""
        from importlib.metadata import version

        return f"questkeep {version('questkeep')}, ray {version('ray')}"

    def stop(self) -> None:
        """Drain, and drop the stored rows."""
        if self._servers is not None:
            self._servers.close()
            self._servers = None


def _preparation(quests: int) -> Iterator[dict[str, Any]]:
    """One user's plan and quests, quest 0 included."""
    yield {
        "type": "upsert_chapter_progression",
        "command_id": "seed-plan",
        "chapter_id": CHAPTER_ID,
        **CHAPTER_PLAN,
    }
    for number in range(quests + 1):
        yield {
            "type": "offer_quest",
            "command_id": f"seed-{number}",
            "quest_id": quest_id(number),
            "chapter_id": CHAPTER_ID,
            "reward": {"experience": EXPERIENCE},
        }

"""Questkeep under measurement: `questkeep serve` on a `file://` store, seeded over HTTP."""

import json
import sys
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from benchmarks.load.usage import Usage
from benchmarks.peers.contract import Setting, StoredUser
from benchmarks.peers.questkeep.journal_growth import JournalGrowth
from benchmarks.peers.questkeep.seeding import seed
from benchmarks.peers.started import Started
from benchmarks.setup.processes import ROOT, free_port
from benchmarks.users.dataset import Dataset, user_id

START_SECONDS = 120.0
CALL_SECONDS = 120.0
READERS = 4
OPEN_QUESTS = 1_000
"""As many as a user may have without being asked."""
QUESTS_MAX = 1_000_000
ROOM = 8_192
"""A thousand connections, beside a thousand requests that the warm-up left behind; and one user's
share of it is enough where eight users have all the connections."""


class Questkeep(Started):
    """One placement of Questkeep; `users` are few where each is a process.

    Args:
        hosts: numbers of hosts that are worth trying; the machine has few cores, and the gateway
            and the load want theirs.
        checkout: another checkout of the project to start in place of this one, with its `.venv`.
    """

    keeps = True
    msgpack = True
    front = "questkeep"
    front_is_alone = True

    def __init__(
        self, placement: str, hosts: Sequence[int] = (1, 2), checkout: Path | None = None
    ) -> None:
        super().__init__()
        dedicated = placement == "dedicated"
        self.name = f"questkeep_{placement}"
        self.title = f"Questkeep, {placement} placement" + (" (8 users)" if dedicated else "")
        self.users = 8 if dedicated else 1_000
        self.rate = 4_000 if dedicated else 25_000
        self.batch_rate = 0 if dedicated else 45_000
        self.settings: Sequence[Setting] = [Setting("one process a user")]
        if not dedicated:
            self.settings = [Setting(f"hosts={n}", {"hosts": str(n)}) for n in hosts]
        self._placement = placement
        self._root = checkout or ROOT
        self._python = str(checkout / ".venv" / "bin" / "python") if checkout else sys.executable
        self._dataset: Dataset | None = None
        self._journal: JournalGrowth | None = None
        self._seeded = 0
        self._url = ""

    def install(self) -> None:
        """Nothing: it is what runs this."""

    def start(self, setting: Setting, dataset: Dataset) -> str:
        """A server on an empty store, and every user with a plan and ready quests."""
        servers = self.open_servers(self.name)
        port = free_port()
        self._dataset, self._url = dataset, f"http://127.0.0.1:{port}"
        store = servers.folder / "data"
        self.stock(store, dataset)
        many = ("--quests-max", str(QUESTS_MAX), "--open-quests-max", str(QUESTS_MAX))
        hosts = ["--hosts", setting.options["hosts"]] if "hosts" in setting.options else []
        servers.start(
            "questkeep",
            [
                *(self._python, "-m", "gateway", "serve", "--port", str(port)),
                *("--placement", self._placement, "--store", store.as_uri()),
                *("--requests-in-flight-max", str(ROOM)),
                *(many if dataset.last_quest >= OPEN_QUESTS else ()),
                *("--log-level", "warning", *hosts),
            ],
            {"QUESTKEEP_JWT_SECRET": dataset.secret, "PYTHONUNBUFFERED": "1"},
            cwd=self._root,
        )
        servers.await_http(f"{self._url}/readyz", START_SECONDS)
        self._journal = JournalGrowth(store)
        self.seed(dataset)
        return self._url

    def stock(self, store: Path, dataset: Dataset) -> None:
        """Before the server starts: nothing, its store is empty."""

    def seed(self, dataset: Dataset) -> None:
        """Once it serves: give every user the plan and the quests."""
        self._seeded = 1 + dataset.last_quest + 1
        seed(self._url, dataset)

    def _read(self, path: str) -> Any:
        assert self._dataset is not None
        headers = {"authorization": f"Bearer {self._dataset.service_token()}"}
        request = urllib.request.Request(self._url + path, headers=headers)
        with urllib.request.urlopen(request, timeout=CALL_SECONDS) as answer:
            return json.load(answer)

    def stored(self) -> Sequence[StoredUser]:
        """What a reader is told of every user: durable rows."""
        assert self._dataset is not None
        with ThreadPoolExecutor(READERS) as readers:
            return list(readers.map(self._stored, range(self._dataset.users)))

    def read_progressions(self) -> None:
        """Read a row of every user, so that all of them are in memory."""
        assert self._dataset is not None
        paths = (f"/v1/users/{user_id(n)}/progression" for n in range(self._dataset.users))
        with ThreadPoolExecutor(READERS) as readers:
            for _ in readers.map(self._read, paths):
                pass

    def _stored(self, user: int) -> StoredUser:
        state = self._read(f"/v1/users/{user_id(user)}")
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

    def usage(self) -> Usage:
        """CPU, disk and journal of all of its processes until now."""
        assert self._journal is not None
        return replace(super().usage(), journal_bytes=self._journal.bytes())

    def stop(self) -> None:
        """End every process and drop what is stored."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        super().stop()

    def version(self) -> str:
        """As installed."""
        from importlib.metadata import version

        return f"questkeep {version('questkeep')}, ray {version('ray')}"

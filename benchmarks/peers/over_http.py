"""What peers have in common that are seeded and counted over their own HTTP port.

Not for: starting them.
"""

import json
import urllib.request
from collections.abc import Sequence

from benchmarks.peers.contract import StoredUser
from benchmarks.peers.started import Started
from benchmarks.setup.processes import START_SECONDS, Servers

SEED_SECONDS = 600.0


class OverHttp(Started):
    """A peer whose application has `/bench/ready`, `/bench/seed` and `/bench/stored`."""

    keeps = True
    msgpack = False

    def __init__(self) -> None:
        super().__init__()
        self._url = ""

    def serving(self, servers: Servers, url: str, seconds: float = START_SECONDS) -> str:
        """Wait for `url` to answer, seed the dataset, and give `url` back."""
        self._url = url
        servers.await_http(f"{url}/bench/ready", seconds)
        request = urllib.request.Request(f"{url}/bench/seed", method="POST")
        urllib.request.urlopen(request, timeout=SEED_SECONDS).close()
        return url

    def stored(self) -> Sequence[StoredUser]:
        """What is stored now, of every user."""
        with urllib.request.urlopen(f"{self._url}/bench/stored", timeout=SEED_SECONDS) as answer:
            return [StoredUser(**one) for one in json.load(answer)]

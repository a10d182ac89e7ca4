"""What a Python HTTP server can do when there is nothing to do: nothing built on it is faster."""

import sys
from collections.abc import Sequence
from importlib.metadata import version

from benchmarks.peers import python_server
from benchmarks.peers.contract import Setting, StoredUser
from benchmarks.peers.started import Started
from benchmarks.setup import provision
from benchmarks.setup.processes import free_port
from benchmarks.users.dataset import Dataset


class Empty(Started):
    """An empty handler on one of the two servers."""

    users = 1_000
    rate = 0
    batch_rate = 0
    keeps = False
    msgpack = False

    def __init__(self, server: str) -> None:
        super().__init__()
        self.name = f"empty-{server}"
        self.title = f"{server}, empty handler (upper limit)"
        every = python_server.with_servers()
        self.settings = [one for one in every if one.options["server"] == server]
        self._server = server

    def install(self) -> None:
        """The peers' Python."""
        provision.python_packages()

    def start(self, setting: Setting, dataset: Dataset) -> str:
        """The server alone; there is nothing to seed."""
        servers = self.open_servers(self.name)
        url = f"http://127.0.0.1:{(port := free_port())}"
        app = "benchmarks.peers.limits.empty:app"
        servers.start(self.name, python_server.command(app, setting, port))
        servers.await_http(url)
        return url

    def stored(self) -> Sequence[StoredUser]:
        """Nothing is kept."""
        return []

    def version(self) -> str:
        """As pinned."""
        text = provision.REQUIREMENTS.read_text(encoding="utf-8")
        return next(line for line in text.splitlines() if line.startswith(self._server))


class EmptyOwn(Started):
    """An empty handler on Questkeep's own connections."""

    name = "empty-questkeep"
    title = "Questkeep's connections, empty handler (upper limit)"
    users = 1_000
    rate = 0
    batch_rate = 0
    keeps = False
    msgpack = False
    settings = (Setting("x2", {"processes": "2"}), Setting("x1", {"processes": "1"}))

    def install(self) -> None:
        """Nothing: it is what runs this."""

    def start(self, setting: Setting, dataset: Dataset) -> str:
        """The processes alone; there is nothing to seed."""
        servers = self.open_servers(self.name)
        port = free_port()
        for number in range(int(setting.options["processes"])):
            command = [sys.executable, "-m", "benchmarks.peers.limits.own", str(port)]
            servers.start(f"{self.name}-{number}", command)
        url = f"http://127.0.0.1:{port}"
        servers.await_http(url)
        return url

    def stored(self) -> Sequence[StoredUser]:
        """Nothing is kept."""
        return []

    def version(self) -> str:
        """As installed."""
        return f"httptools {version('httptools')}, uvloop {version('uvloop')}"

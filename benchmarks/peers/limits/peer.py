"""What a Python HTTP server can do when there is nothing to do: nothing built on it is faster."""

from collections.abc import Sequence

from benchmarks import installing
from benchmarks.peer import Setting, Tally
from benchmarks.peers import python_server
from benchmarks.processes import Servers, free_port
from benchmarks.world import World


class Empty:
    """An empty handler on one of the two servers."""

    users = 1_000
    rate = 0
    keeps = False

    def __init__(self, server: str) -> None:
        self.name = f"empty-{server}"
        self.title = f"{server}, empty handler (upper limit)"
        every = python_server.with_servers()
        self.settings = [one for one in every if one.options["server"] == server]
        self._server = server
        self._servers: Servers | None = None

    def install(self) -> None:
        """The peers' Python."""
        installing.python_packages()

    def start(self, setting: Setting, world: World) -> str:
        """The server alone; there is nothing to seed."""
        servers = self._servers = Servers(self.name)
        url = f"http://127.0.0.1:{(port := free_port())}"
        app = "benchmarks.peers.limits.empty:app"
        servers.start(self.name, python_server.command(app, setting, port))
        servers.await_http(url)
        return url

    def tally(self) -> Sequence[Tally]:
        """Nothing is kept."""
        return []

    def version(self) -> str:
        """As pinned."""
        text = installing.REQUIREMENTS.read_text(encoding="utf-8")
        return next(line for line in text.splitlines() if line.startswith(self._server))

    def stop(self) -> None:
        """End the server."""
        if self._servers is not None:
            self._servers.close()
            self._servers = None

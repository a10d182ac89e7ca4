"""Redis with an append-only file that is synced before every answer (`appendfsync always`).

Redis answers all the commands that one turn of its event loop read after a single sync, so more
connections share it.
"""

import subprocess
from pathlib import Path

from benchmarks.peers import python_server
from benchmarks.peers.contract import Setting
from benchmarks.peers.over_http import OverHttp
from benchmarks.setup import provision
from benchmarks.setup.processes import free_port
from benchmarks.users.dataset import ENVIRONMENT_KEY, Dataset

CONNECTIONS = 128
"""Of all workers' pools together."""


class Redis(OverHttp):
    """FastAPI and redis-py over one Lua script."""

    name = "redis"
    title = "FastAPI + Redis (Lua script, appendfsync always)"
    settings = python_server.with_servers()
    users = 1_000
    rate = 8_000
    batch_rate = 25_000
    front = "redis-app"

    def install(self) -> None:
        """The peers' Python, and Debian's Redis."""
        provision.python_packages()
        self._server = provision.program("redis-server", "redis-server")

    def start(self, setting: Setting, dataset: Dataset) -> str:
        """A Redis on a private Unix socket, then the application."""
        servers = self.open_servers(self.name)
        socket = servers.sockets / "redis"
        durable = ["--appendonly", "yes", "--appendfsync", "always"]
        # No snapshot and no rewrite of the log while it is measured.
        calm = ["--save", "", "--auto-aof-rewrite-percentage", "0"]
        private: list[str | Path] = ["--port", "0", "--unixsocket", socket, "--dir", servers.folder]
        servers.start("redis", [self._server, *private, *durable, *calm])
        client = self._server.with_name("redis-cli")
        servers.await_success([client, "-s", socket, "ping"])
        port = free_port()
        servers.start(
            "redis-app",
            python_server.command("benchmarks.peers.redis.app:app", setting, port),
            {
                ENVIRONMENT_KEY: dataset.text(),
                "QUESTKEEP_BENCH_SOCKET": str(socket),
                "QUESTKEEP_BENCH_POOL": str(CONNECTIONS // int(setting.options["workers"])),
            },
        )
        return self.serving(servers, f"http://127.0.0.1:{port}")

    def version(self) -> str:
        """Redis' own words."""
        argv = [str(self._server), "--version"]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()

"""Cloudflare's Durable Objects on workerd, its open runtime: a SQLite database for each user.

workerd runs JavaScript on one thread of one process; Cloudflare's own service spreads objects over
many.  Output gates are the default: a reply waits for the write it depends on.
"""

import subprocess
from pathlib import Path

from benchmarks.peers.contract import Setting
from benchmarks.peers.over_http import OverHttp
from benchmarks.setup import provision
from benchmarks.setup.processes import free_port
from benchmarks.users.dataset import ENVIRONMENT_KEY, Dataset

CONFIG = Path(__file__).with_name("config.capnp")


class Workerd(OverHttp):
    """A worker in front, a Durable Object for each user."""

    name = "workerd"
    title = "Cloudflare workerd Durable Objects (SQLite)"
    settings = (Setting("rpc", {"call": "rpc"}), Setting("fetch", {"call": "fetch"}))
    users = 1_000
    rate = 3_000
    batch_rate = 5_000
    front = "workerd"

    def install(self) -> None:
        """workerd, from npm."""
        self._binary = provision.workerd()

    def start(self, setting: Setting, dataset: Dataset) -> str:
        """One workerd over an empty folder."""
        servers = self.open_servers(self.name)
        address = f"127.0.0.1:{free_port()}"
        where = ["--socket-addr", f"http={address}", "--directory-path"]
        servers.start(
            "workerd",
            [self._binary, "serve", CONFIG, *where, f"STORAGE={servers.folder}"],
            {ENVIRONMENT_KEY: dataset.text(), "QUESTKEEP_BENCH_CALL": setting.options["call"]},
        )
        return self.serving(servers, f"http://{address}")

    def version(self) -> str:
        """workerd's own words."""
        argv = [str(self._binary), "--version"]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()

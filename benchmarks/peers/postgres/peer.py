"""PostgreSQL, tuned as its own documentation advises for many small durable transactions.

Every promise of durability is on: `fsync`, `synchronous_commit`, `full_page_writes`.
"""

import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path

from benchmarks.peers import python_server
from benchmarks.peers.contract import Setting
from benchmarks.peers.over_http import OverHttp
from benchmarks.setup import provision
from benchmarks.setup.processes import BENCH, DidNotStart, free_port
from benchmarks.setup.provision import Unavailable
from benchmarks.users.dataset import ENVIRONMENT_KEY, Dataset

CONNECTIONS = 48
"""Of all workers' pools together."""
SERVER_SETTINGS = {
    "listen_addresses": "''",
    "max_connections": str(CONNECTIONS + 16),
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "2GB",
    "effective_cache_size": "8GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "512MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "wal_buffers": "64MB",
    "min_wal_size": "2GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
    "checkpoint_completion_target": "0.9",
    "random_page_cost": "1.1",
    "jit": "off",
    "logging_collector": "off",
}


class Postgres(OverHttp):
    """FastAPI and asyncpg over one PL/pgSQL function."""

    name = "postgres"
    title = "FastAPI + PostgreSQL (asyncpg, one PL/pgSQL function)"
    settings = (
        *python_server.with_servers(commit_delay="0"),
        *python_server.with_servers(commit_delay="200"),
    )
    users = 1_000
    rate = 8_000
    batch_rate = 12_000
    front = "postgres-app"

    def install(self) -> None:
        """The peers' Python, and Debian's PostgreSQL."""
        provision.python_packages()
        self._programs = _programs()
        if not (self._programs / "postgres").exists():
            provision.debian_packages("postgresql")
            self._programs = _programs()
        if not (self._programs / "postgres").exists():
            raise Unavailable("PostgreSQL's server programs are not under /usr/lib/postgresql")

    def start(self, setting: Setting, dataset: Dataset) -> str:
        """A new cluster on a private Unix socket, then the application."""
        servers = self.open_servers(self.name)
        data = servers.folder / "data"
        user = _owner([servers.folder, servers.sockets])
        initdb = [*user, str(self._programs / "initdb"), "-D", str(data), "-U", "postgres"]
        locale = ["-A", "trust", "--locale=C", "-E", "UTF8", "--no-sync"]
        made = subprocess.run([*initdb, *locale], capture_output=True, text=True, cwd="/")
        if made.returncode != 0:
            raise DidNotStart(f"initdb failed: {made.stderr[-1000:]}")
        tuned = {**SERVER_SETTINGS, "unix_socket_directories": f"'{servers.sockets}'"}
        tuned["commit_delay"] = setting.options["commit_delay"]
        lines = "".join(f"{key} = {value}\n" for key, value in tuned.items())
        with (data / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write(lines)
        # SIGINT is PostgreSQL's fast shutdown.
        servers.start(
            "postgres",
            [*user, str(self._programs / "postgres"), "-D", str(data)],
            stop_signal=signal.SIGINT,
        )
        servers.await_success([self._programs / "pg_isready", "-q", "-h", servers.sockets])
        port = free_port()
        servers.start(
            "postgres-app",
            python_server.command("benchmarks.peers.postgres.app:app", setting, port),
            {
                ENVIRONMENT_KEY: dataset.text(),
                "QUESTKEEP_BENCH_SOCKETS": str(servers.sockets),
                "QUESTKEEP_BENCH_POOL": str(CONNECTIONS // int(setting.options["workers"])),
            },
        )
        return self.serving(servers, f"http://127.0.0.1:{port}")

    def version(self) -> str:
        """PostgreSQL's own words."""
        argv = [str(self._programs / "postgres"), "--version"]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


def _programs() -> Path:
    """The newest installed server's programs; a folder that is not there when there is none."""
    found = Path("/usr/lib/postgresql").glob("*/bin")
    return max(found, key=lambda folder: float(folder.parent.name), default=Path("/nowhere"))


def _owner(folders: list[Path]) -> list[str]:
    """What to put before PostgreSQL's commands: it refuses to run as root.

    Raises:
        Unavailable: run as root, and nobody else can run it or reach the folders.
    """
    if os.geteuid() != 0:
        return []
    if any(not parent.stat().st_mode & 0o001 for parent in BENCH.parents):
        raise Unavailable(f"PostgreSQL refuses to run as root, and only root can reach {BENCH}")
    if "postgres" not in {entry.pw_name for entry in pwd.getpwall()}:
        raise Unavailable("PostgreSQL refuses to run as root, and there is no user `postgres`")
    for folder in folders:
        shutil.chown(folder, "postgres")
    as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
    if subprocess.run([*as_user, "sh", "-c", ": </dev/null"], capture_output=True).returncode != 0:
        raise Unavailable("the user `postgres` cannot read /dev/null: its mode should be 666")
    return as_user

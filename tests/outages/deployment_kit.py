"""Several gateways and a host, each in a process of its own, that are killed one by one.

Not for: what clients make of it (`watchers_kit`, `outbox_kit`).
"""

import os
import random
import signal
from pathlib import Path

import psutil

from tests.end_to_end.server_kit import Server, command_line, is_host
from tests.gateway.server.workers_kit import worker_pids
from tests.processes_kit import gone, until

OPTIONS = ("--placement", "packed", "--hosts", "1", "--gateways", "3")


class Deployment:
    """`questkeep serve` with three gateways over one host on Ray, ready when it is made."""

    def __init__(self, folder: Path, seed: int = 1) -> None:
        self.server = Server(folder, *OPTIONS)
        self.url = self.server.url
        self.service = self.server.token("--service", "game")
        self._dice = random.Random(seed)

    def token_of(self, user_id: str) -> str:
        """A player's token."""
        return self.server.token("--user", user_id)

    def kill_gateway(self) -> None:
        """SIGKILL to one that another process starts again; return once it has."""
        before = worker_pids(self.server.process.pid)
        os.kill(self._dice.choice(before), signal.SIGKILL)
        until(lambda: set(worker_pids(self.server.process.pid)) - set(before))

    def kill_host(self) -> None:
        """SIGKILL to the process that holds the users; return once it is gone."""
        [host] = until(self._hosts)
        host.kill()
        until(lambda: gone([host.pid]))

    def _hosts(self) -> list[psutil.Process]:
        """The host's process; nothing while Ray starts another."""
        below = psutil.Process(self.server.process.pid).children(recursive=True)
        return [process for process in below if is_host(command_line(process))]

    def end(self) -> None:
        """Whatever happened, nothing of it runs on."""
        self.server.end()

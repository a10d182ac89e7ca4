"""A Ray cluster of several nodes on this machine, each with processes and an address of its own."""

import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from tests.end_to_end.server_kit import command_line, environment, is_host

RAY = Path(sys.executable).with_name("ray")
START_SECONDS = 60


class RayNode:
    """`ray start --block` with these options, and every process below it."""

    def __init__(self, log: Path, variables: dict[str, str], *options: str) -> None:
        self._log = open(log, "ab")
        self._gcs: subprocess.Popen[bytes] | None = None
        self._starter = subprocess.Popen(
            [RAY, "start", "--block", "--disable-usage-stats", *options, *SMALL],
            env=variables,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        deadline = time.monotonic() + START_SECONDS
        while b"Ray runtime started" not in log.read_bytes():
            if self._starter.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"a Ray node did not start: {log.read_text()}")
            time.sleep(0.1)

    def processes(self) -> list[psutil.Process]:
        """All that run for this node."""
        starter = psutil.Process(self._starter.pid)
        return [starter, *starter.children(recursive=True)]

    def hosts(self) -> list[psutil.Process]:
        """Those that hold users."""
        return [one for one in self.processes() if is_host(command_line(one))]

    def gcs(self) -> psutil.Process:
        """Ray's control service, which only a head has."""
        (found,) = [each for each in self.processes() if "gcs_server" in command_line(each)[0]]
        return found

    def replace_gcs(self) -> None:
        """Have another GCS run in the place of the head's, without its state, as `ray stop` and
        `ray start` would on a machine of its own."""
        gcs = self.gcs()
        words, variables = gcs.cmdline(), gcs.environ()
        gcs.kill()
        gcs.wait(10)
        self._gcs = subprocess.Popen(
            words, env=variables, stdout=self._log, stderr=subprocess.STDOUT
        )

    def kill(self) -> None:
        """The machine is gone: every process at once, and nobody is told."""
        if self._starter.poll() is None:
            found = self.processes()
            for one in found:
                one.suspend()  # none sees another one die
            for one in found:
                one.kill()
            psutil.wait_procs(found, timeout=30)
            self._starter.wait()
        if self._gcs is not None:
            self._gcs.kill()
            self._gcs.wait()
        self._log.close()


# Little memory, ports that are free, and nothing that the tests do not ask.
SMALL = (
    "--num-cpus=2",
    "--object-store-memory=80000000",
    "--min-worker-port=0",
    "--max-worker-port=0",
)


class RayCluster:
    """A head and a worker node, with Ray's token authentication.

    `variables` is what hosts find in their environment.
    """

    def __init__(self, folder: Path, **variables: str) -> None:
        self._sockets = tempfile.mkdtemp(prefix="qk-")  # a socket's path is a short one
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{probe.getsockname()[1]}"
        self.variables = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        everywhere = {**environment(), **self.variables, **variables}
        port = self.address.rpartition(":")[2]
        self.head = RayNode(
            folder / "head.log",
            {**everywhere, **IMPATIENT},
            "--head",
            f"--port={port}",
            "--node-ip-address=127.0.0.1",
            "--include-dashboard=false",
            f"--temp-dir={self._sockets}",
        )
        self.worker = RayNode(
            folder / "worker.log",
            everywhere,
            f"--address={self.address}",
            "--node-ip-address=127.0.0.2",
        )

    def end(self) -> None:
        """Nothing of it runs on."""
        self.worker.kill()
        self.head.kill()
        shutil.rmtree(self._sockets, ignore_errors=True)


# A dead node is given up after two seconds instead of fifteen.
IMPATIENT = {
    "RAY_health_check_initial_delay_ms": "500",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_timeout_ms": "1000",
    "RAY_health_check_failure_threshold": "3",
}

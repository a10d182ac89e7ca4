"""Servers as children: started in a group of their own, awaited, and ended by id.

Not for: deciding what to start (`peers`).
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).parents[2]
BENCH = ROOT / ".bench"
PYTHON = BENCH / "venv" / "bin" / "python"
START_SECONDS = 60.0
STOP_SECONDS = 20.0


class DidNotStart(Exception):
    """A server ended or stayed silent; the message has the end of its log."""


def end_as_errors_do() -> None:
    """Have SIGTERM end this process as an error would: what was started is stopped on the way."""
    signal.signal(signal.SIGTERM, _exit)
    # A shell that starts it in the background leaves SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _exit(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Servers:
    """The processes and folders of one measurement.

    Folders: `folder` under `.bench/run`, for data; `sockets` under the temporary folder, because a
    Unix socket's path must be short.  `close` ends and removes everything.
    """

    def __init__(self, name: str) -> None:
        run = BENCH / "run"
        run.mkdir(parents=True, exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=run))
        self.sockets = Path(tempfile.mkdtemp(prefix="questkeep-bench-"))
        self._logs = BENCH / "logs"
        self._logs.mkdir(exist_ok=True)
        self._running: list[tuple[subprocess.Popen[bytes], signal.Signals, Path]] = []

    def start(
        self,
        name: str,
        argv: Sequence[str | Path],
        environment: Mapping[str, str] | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        cwd: Path = ROOT,
    ) -> subprocess.Popen[bytes]:
        """Start a process of this name in `cwd`; its output goes to `.bench/logs/NAME.log`."""
        log = self._logs / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [str(part) for part in argv],
                cwd=cwd,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running.append((process, stop_signal, log))
        return process

    def pids(self) -> dict[str, int]:
        """The processes that were started, by name."""
        return {log.stem: process.pid for process, _, log in self._running}

    def await_http(self, url: str, seconds: float = START_SECONDS) -> None:
        """Wait until `url` answers with a success (an `HTTPError` is an `OSError` too).

        Raises:
            DidNotStart: a process ended, or there was no answer in time.
        """
        deadline = time.monotonic() + seconds
        while True:
            try:
                urllib.request.urlopen(url, timeout=5).close()
                return
            except OSError:
                self._check(deadline, url)

    def await_success(self, argv: Sequence[str | Path], seconds: float = START_SECONDS) -> None:
        """Run `argv` again and again until it exits with 0.  Raises `DidNotStart`."""
        deadline = time.monotonic() + seconds
        while subprocess.run(argv, capture_output=True, check=False).returncode != 0:
            self._check(deadline, str(argv[0]))

    def _check(self, deadline: float, what: str) -> None:
        for process, _, log in self._running:
            if process.poll() is not None:
                end = log.read_text(encoding="utf-8", errors="replace")[-2000:]
                raise DidNotStart(f"{log.stem} ended with {process.returncode}:\n{end}")
        if time.monotonic() > deadline:
            raise DidNotStart(f"nothing at {what}; see {self._logs}")
        time.sleep(0.02)

    def close(self) -> None:
        """End the processes, the newest first, and remove the folders.  May be called twice."""
        while self._running:
            process, stop_signal, _ = self._running.pop()
            _end(process, stop_signal)
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.sockets, ignore_errors=True)


def _end(process: subprocess.Popen[bytes], stop_signal: signal.Signals) -> None:
    """Ask, wait, then kill what is left of the group that this process leads."""
    if process.poll() is None:
        process.send_signal(stop_signal)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            pass
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()

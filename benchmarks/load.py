"""The load: wrk, turning in quests over so many connections for so many seconds.

wrk sends the next request of a connection as soon as the last one is answered.  One thread: the
machine's cores are for the server.

Not for: judging what the server did (`check`).
"""

import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import provision
from benchmarks.dataset import Dataset
from benchmarks.processes import BENCH

SCRIPT = Path(__file__).with_name("load.lua")


class Broken(Exception):
    """Requests failed or were refused; nothing that was measured counts."""


class OutOfQuests(Exception):
    """The run was faster than the dataset has quests: seed more and repeat."""


@dataclass(frozen=True)
class Run:
    """What wrk saw.  `sent` counts the warm-up too, and requests that were never answered.

    `client_cores` is how many cores wrk itself kept busy.
    """

    rate: float
    p50_ms: float
    p99_ms: float
    answered: int
    sent: int
    client_cores: float


class Load:
    """Load on one server: a warm-up, then a measured run that goes on where that one ended."""

    def __init__(self, url: str, dataset: Dataset) -> None:
        self._url = url
        self._dataset = dataset
        self._tokens = BENCH / "run" / f"tokens-{os.getpid()}"

    def run(self, connections: int, warm_up_seconds: int, seconds: int) -> Run:
        """Both; the numbers are of the second.

        Raises:
            OutOfQuests: there were not enough; the numbers would mix in refusals.
            Broken: a request was refused, or a connection broke.
        """
        tokens = "".join(self._dataset.token(user) + "\n" for user in range(self._dataset.users))
        self._tokens.write_text(tokens, encoding="ascii")
        try:
            warm, _ = self._wrk(connections, warm_up_seconds, first=0)
            measured, cores = self._wrk(connections, seconds, first=warm["next"])
        finally:
            self._tokens.unlink()
        return Run(
            rate=measured["answered"] * 1e6 / measured["microseconds"],
            p50_ms=measured["p50_us"] / 1e3,
            p99_ms=measured["p99_us"] / 1e3,
            answered=warm["answered"] + measured["answered"],
            sent=measured["next"],
            client_cores=cores,
        )

    def _wrk(self, connections: int, seconds: int, first: int) -> tuple[dict[str, Any], float]:
        argv: list[str | Path] = [provision.program("wrk", "wrk"), "-t1", f"-c{connections}"]
        argv += [f"-d{seconds}s", "--timeout", "10s", "-s", SCRIPT, self._url, "--"]
        argv += [self._tokens, str(first)]
        began = time.monotonic()
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert process.stdout is not None
        try:
            text = process.stdout.read().decode("utf-8", "replace")
        except BaseException:
            process.kill()
            process.wait()
            raise
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        _, _, result = text.partition("\nRESULT ")
        if process.returncode != 0 or not result:
            raise Broken(f"wrk ended with {process.returncode}:\n{text[-2000:]}")
        seen: dict[str, Any] = json.loads(result)
        if seen["next"] > self._dataset.users * self._dataset.quests:
            raise OutOfQuests
        if seen["refused"] or seen["broken"] or seen["timeouts"]:
            raise Broken(f"not every turn-in was accepted: {result.strip()}")
        return seen, (usage.ru_utime + usage.ru_stime) / (time.monotonic() - began)

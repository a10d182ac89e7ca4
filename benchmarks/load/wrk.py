"""wrk as the load: players who turn in their quests, one a request.

wrk sends the next request of a connection as soon as the last one is answered.  One thread: the
machine's cores are for the server.
"""

import json
import math
import os
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.load.traffic import Broken, OutOfQuests, Stretch, Traffic
from benchmarks.setup import provision
from benchmarks.setup.processes import BENCH
from benchmarks.users.dataset import PROBE_QUESTS, Dataset

SCRIPT = Path(__file__).with_name("turn_ins.lua")


def send(url: str, dataset: Dataset, traffic: Traffic, seconds: float, first: int) -> Stretch:
    """Turn-ins from number `first` on, for so many whole seconds.

    Raises:
        OutOfQuests: there were not enough; some requests were refused.
        Broken: a request was refused, or a connection broke.
    """
    tokens = BENCH / "run" / f"tokens-{os.getpid()}"
    lines = (dataset.token(user) + "\n" for user in range(dataset.users))
    tokens.write_text("".join(lines), encoding="ascii")
    argv: list[str | Path] = [provision.program("wrk", "wrk"), "-t1", f"-c{traffic.connections}"]
    argv += [f"-d{max(1, round(seconds))}s", "--timeout", "10s", "-s", SCRIPT, url, "--"]
    argv += [tokens, str(first), str(PROBE_QUESTS), str(traffic.pipeline)]
    try:
        seen, client_seconds = _run(argv)
    finally:
        tokens.unlink()
    if seen["next"] > dataset.users * dataset.quests:
        raise OutOfQuests
    if seen["refused"] or seen["broken"] or seen["timeouts"]:
        raise Broken(f"not every turn-in was accepted: {seen}")
    # What wrk adds for requests that had to wait comes out wrong where several left together.
    known = traffic.pipeline == 1
    return Stretch(
        answered=seen["answered"],
        answered_late=0,
        sent=seen["next"],
        seconds=seen["microseconds"] / 1e6,
        p50_ms=seen["p50_us"] / 1e3 if known else math.nan,
        p99_ms=seen["p99_us"] / 1e3 if known else math.nan,
        client_seconds=client_seconds,
    )


def _run(argv: list[str | Path]) -> tuple[dict[str, Any], float]:
    """What wrk wrote, and its CPU seconds."""
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    try:
        with process.stdout as output:
            text = output.read().decode("utf-8", "replace")
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
    return seen, usage.ru_utime + usage.ru_stime

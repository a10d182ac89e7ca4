"""The Python client's own CPU for a pipelined command, reply and all.

    python -m benchmarks.python_client [--commands 20000] [--rounds 5]

A server in a process of its own; a service's client sends grants of 1,000 users in turn, at most
2,000 without an answer.  Counted is the client's process, kernel included.
"""

import argparse
import asyncio
import logging
import statistics
import subprocess
import sys
import time

import structlog

from benchmarks.report import tables
from benchmarks.report.tables import Figure
from questkeep_client import Client, GrantExperience, connect
from questkeep_testing.server import LocalServer

USERS = 1_000
WINDOW = 2_000
CPU_MICROS_MAX = 33


async def send(client: Client, commands: int) -> tuple[float, float]:
    """Microseconds of CPU for each of the commands, and commands a second."""
    began, cpu = time.perf_counter(), time.process_time()
    async with client.pipeline(WINDOW) as pipeline:
        for number in range(commands):
            pipeline.send(f"user-{number % USERS}", GrantExperience(1))
    spent, cpu_spent = time.perf_counter() - began, time.process_time() - cpu
    if len(pipeline.replies) != commands:
        raise SystemExit(f"{len(pipeline.problems)} were refused: {pipeline.problems[:1]}")
    return cpu_spent / commands * 1e6, commands / spent


async def measure(url: str, token: str, commands: int, rounds: int) -> list[Figure]:
    """The median of the rounds, after one that warms up."""
    async with connect(url, token) as client:
        await send(client, commands)
        runs = [await send(client, commands) for _ in range(rounds)]
    micros, rates = zip(*runs, strict=True)
    wanted = f"at most {CPU_MICROS_MAX}"
    return [
        Figure("client CPU for a command", statistics.median(micros), "us", wanted),
        Figure("commands", statistics.median(rates), "/s"),
    ]


def serve() -> None:
    """The server's process: prints where it is, and ends with its standard input."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with LocalServer() as server:
        print(server.url, server.service_token(), flush=True)
        sys.stdin.read()


def main() -> None:
    """Measure, print the table and write it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--commands", type=int, default=20_000, help="of each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        return serve()
    command = [sys.executable, "-m", "benchmarks.python_client", "--serve"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        url, token = server.stdout.readline().split()
        try:
            figures = asyncio.run(measure(url, token, options.commands, options.rounds))
        finally:
            server.stdin.close()
    title = f"One client, {USERS:,} users in turn, {WINDOW:,} commands without an answer at most."
    print(tables.write("python_client", title, figures))


if __name__ == "__main__":
    main()

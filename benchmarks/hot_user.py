"""One user hammered among a thousand: what do the others notice, and what becomes of the hot one?

    python -m benchmarks.hot_user [--seconds 15]

64 clients ask for 1,000 users in turn, first alone, then beside 64 and at last 512 clients who all
ask for one user and, refused, ask again at once.
"""

import argparse
import asyncio
import time

import uvloop

from benchmarks.load.clients import Clients
from benchmarks.report import tables
from benchmarks.report.tables import Figure, latency, rate
from benchmarks.setup.packed_server import PackedServer
from benchmarks.setup.processes import end_as_errors_do

USERS = 1_000
CLIENTS = 64
HOT_CLIENTS = (64, 512)
WARM_UP_SECONDS = 3.0


async def measure(server: PackedServer, seconds: float) -> list[Figure]:
    """The others alone, then beside the hot user."""
    others = Clients(server.grants(USERS))
    await others.connect(server.url, CLIENTS)
    await others.watch(WARM_UP_SECONDS)
    alone = await others.watch(seconds)
    figures = [
        Figure("the others alone", rate(alone, seconds), "/s"),
        *latency("answered", alone),
    ]
    for count in HOT_CLIENTS:
        hot = Clients(server.grants(1, first=USERS), patient=False)
        await hot.connect(server.url, count)
        await others.watch(WARM_UP_SECONDS)
        began = time.perf_counter()
        beside, asked = await asyncio.gather(others.watch(seconds), hot.watch(seconds))
        hot.leave(count)
        spent = time.perf_counter() - began
        refused = [one for one in asked if one.status != 200]
        figures += [
            Figure(f"the others beside {count} clients of one user", rate(beside, spent), "/s"),
            *latency("answered", [one for one in beside if one.status == 200]),
            Figure("… refused", sum(one.status != 200 for one in beside) / spent, "/s", "0"),
            Figure("the hot user", rate(asked, spent), "/s"),
            *latency("answered", [one for one in asked if one.status == 200]),
            Figure("… refused", len(refused) / spent, "/s"),
            *latency("refused", refused, "at most 50"),
            Figure("… with anything but 429", sum(one.status != 429 for one in refused), "", "0"),
        ]
    others.leave(CLIENTS)
    return figures


def main() -> None:
    """Measure, print the table and write it."""
    end_as_errors_do()
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=15.0, help="length of each part")
    seconds: float = parser.parse_args().seconds
    server = PackedServer()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            figures = runner.run(measure(server, seconds))
    finally:
        server.close()
    title = f"{CLIENTS} clients of {USERS:,} users, and clients of one user beside them."
    print(tables.write("hot_user", title, figures))


if __name__ == "__main__":
    main()

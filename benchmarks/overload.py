"""Ten times more clients than a packed server can serve: what becomes of those it does serve?

    python -m benchmarks.overload [--seconds 30] [--impatient]

Closed loop: a client has one request on its way and asks again when it is answered; who is refused
waits as `Retry-After` says, give or take half.  First the number of clients with the highest rate
is found: that is the peak.  Then ten times as many, for half a minute.  Then the nine tenths hang
up, and it is seen how long the server takes until it is as before.

`--impatient`: clients that are refused ask again at once.  Nobody can serve those well (to refuse
takes a third of what it takes to serve), so it is for looking, and nothing is promised.
"""

import argparse
import asyncio
import time
from collections.abc import Sequence

import uvloop

from benchmarks.load.clients import Clients, Seen
from benchmarks.report import tables
from benchmarks.report.tables import Figure, latency, rate
from benchmarks.setup.packed_server import PackedServer
from benchmarks.setup.processes import end_as_errors_do

USERS = 1_000
TRIED = (32, 64, 128, 256)
"""Numbers of clients of which one is the peak's."""
TIMES = 10
COMING_SECONDS = 1.0
"""Within which the nine tenths connect.  A thousand connections in a twentieth of that take the
gateway 0.1 s to take in, and those who are turned away wait as long as everybody."""
TRIAL_SECONDS = 4.0
NORMAL = 0.9
"""Of the peak's rate, in one window: the server is as before."""
WINDOW_SECONDS = 0.25
AFTER_SECONDS = 10.0


async def measure(server: PackedServer, seconds: float, patient: bool) -> list[Figure]:
    """Peak, overload, and the time after it."""
    clients = Clients(server.grants(USERS), patient=patient)
    rates: dict[int, float] = {}
    running = 0
    for count in TRIED:
        await clients.connect(server.url, count - running)
        running = count
        await clients.watch(TRIAL_SECONDS / 4)
        rates[count] = rate(await clients.watch(TRIAL_SECONDS), TRIAL_SECONDS)
    best = max(TRIED, key=lambda count: rates[count])
    clients.leave(running - best)
    await clients.watch(TRIAL_SECONDS / 4)
    calm = await clients.watch(seconds / 3)
    peak = rate(calm, seconds / 3)

    coming = asyncio.create_task(clients.connect(server.url, (TIMES - 1) * best, COMING_SECONDS))
    answers = await clients.watch(seconds)
    await coming
    clients.leave((TIMES - 1) * best)
    left = time.perf_counter()
    after = await clients.watch(AFTER_SECONDS)
    clients.leave(best)
    refused = [one for one in answers if one.status != 200]
    untold = sum(not one.told_to_wait for one in refused)
    return [
        Figure("clients at the peak", best, ""),
        Figure("peak", peak, "/s"),
        *latency("answered at the peak", calm),
        Figure(f"{TIMES} times the clients: answered with 200", rate(answers, seconds), "/s"),
        Figure("… of the peak", 100 * rate(answers, seconds) / peak, "%", "at least 90"),
        *latency("answered with 200", [one for one in answers if one.status == 200]),
        Figure("refused", len(refused) / seconds, "/s"),
        *latency("refused", refused, "at most 50"),
        Figure("… without `Retry-After`", untold, "", "0"),
        Figure("… with anything but 429 and 503", _strange(refused), "", "0"),
        Figure("connections that broke", clients.broken, "", "0"),
        Figure("normal again after", _normal_after(after, left, peak), "s", "at most 5"),
    ]


def _strange(refused: Sequence[Seen]) -> int:
    return sum(one.status not in (429, 503) for one in refused)


def _normal_after(seen: Sequence[Seen], begin: float, peak: float) -> float:
    """Seconds until a window has the peak's rate again and no refusal; infinite if none has."""
    windows = int(AFTER_SECONDS / WINDOW_SECONDS)
    answered, refused = [0] * windows, [0] * windows
    for one in seen:
        window = int((one.at - begin) / WINDOW_SECONDS)
        if 0 <= window < windows:
            (answered if one.status == 200 else refused)[window] += 1
    for window in range(windows):
        if answered[window] >= NORMAL * peak * WINDOW_SECONDS and not refused[window]:
            return (window + 1) * WINDOW_SECONDS
    return float("inf")


def main() -> None:
    """Measure, print the table and write it."""
    end_as_errors_do()
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=30.0, help="length of the overload")
    parser.add_argument("--impatient", action="store_true", help="ask again at once when refused")
    arguments = parser.parse_args()
    server = PackedServer()
    try:
        measuring = measure(server, arguments.seconds, not arguments.impatient)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            figures = runner.run(measuring)
    finally:
        server.close()
    name = "overload_impatient" if arguments.impatient else "overload"
    title = f"{TIMES} times the clients of the peak for {arguments.seconds:.0f} s."
    print(tables.write(name, title, figures))


if __name__ == "__main__":
    main()

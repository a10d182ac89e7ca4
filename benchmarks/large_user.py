"""One large user among others: what do the others in the same host notice?

    python -m benchmarks.large_user [--seconds 5] [--clients 4]

A player gets 20,000 stacks and quests of a hundred objectives, some 25 MB in all.  Clients of other
users, one request on its way each, are watched alone and beside what the large user does: lists of
100 turn-ins, the same lists again (replays), and 16 reads of everything side by side.  The large
user's clients are processes of their own.  As those take a share of the processor whatever they ask
for, the others are also watched beside 16 reads of a small user, as fast as they are answered.
"""

import argparse
import asyncio
import json
import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import Any

import uvloop

from benchmarks.load.clients import Clients, Seen
from benchmarks.report import tables
from benchmarks.report.tables import Figure, latency, rate
from benchmarks.setup.packed_server import PackedServer
from benchmarks.setup.processes import end_as_errors_do

STACKS = 20_000
LARGE_QUESTS = 1_200
OBJECTIVES = 100
LIST = 100
SMALL_READS = "reads of a small user"
READS_AT_ONCE = 16
OTHERS = 50
WARM_UP_SECONDS = 2.0
LIMITS = ("items_max", "quests_max", "open_quests_max", "open_objectives_max")


class Whale:
    """The large user, asked by a service."""

    def __init__(self, host: str, token: str, user: str = "whale") -> None:
        self._host = host
        self._user = user
        self._head = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.statuses: dict[int, int] = {}

    def ask(self, method: str, path: str, body: Any = None) -> bytes:
        """One request; its status is counted."""
        connection = HTTPConnection(self._host, timeout=120)
        content = None if body is None else json.dumps(body)
        connection.request(method, f"/v1/users/{self._user}{path}", content, self._head)
        answer = connection.getresponse()
        read = answer.read()
        self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
        connection.close()
        return read

    def send(self, commands: list[dict[str, Any]]) -> None:
        """A list of commands."""
        self.ask("POST", "/commands", commands)


def offer(quest: str, objectives: int, items: dict[str, int]) -> dict[str, Any]:
    """An offer of a quest; without objectives it is ready."""
    goals = [
        {"kind": "collect", "target": f"{quest}-{number:03}-{'x' * 100}", "required": 3}
        for number in range(objectives)
    ]
    fields = {"type": "offer_quest", "quest_id": quest, "objectives": goals}
    return {"command_id": f"o-{quest}", **fields, "reward": {"experience": 1, "items": items}}


def turn_in(quest: str) -> dict[str, Any]:
    """A turn-in."""
    return {"command_id": f"t-{quest}", "type": "turn_in_quest", "quest_id": quest}


def grow(whale: Whale) -> int:
    """Make the user large; how many bytes a read of everything has."""
    for start in range(0, STACKS, LIST):
        items = {f"item-instance:{number:036}": 1 for number in range(start, start + LIST)}
        whale.send([offer(f"s{start}", 0, items), turn_in(f"s{start}")])
    for start in range(0, LARGE_QUESTS, 20):
        whale.send([offer(f"big{n}", OBJECTIVES, {}) for n in range(start, start + 20)])
    return len(whale.ask("GET", ""))


def trouble(kind: str, host: str, token: str, seconds: float, out: Any) -> None:
    """What the large user does, until the time is up; runs in a process of its own."""
    user = "small" if kind == SMALL_READS else "whale"
    whale, until, number = Whale(host, token, user), time.monotonic() + seconds, 0
    with ThreadPoolExecutor(READS_AT_ONCE) as pool:
        while time.monotonic() < until:
            if kind in ("reads", SMALL_READS):
                list(pool.map(lambda _: whale.ask("GET", ""), range(READS_AT_ONCE)))
                continue
            quests = [f"{kind}{number}-{each}" for each in range(LIST)]
            items = {f"item-instance:{each:036}": 1 for each in range(LIST)}
            whale.send([offer(quest, 0, items) for quest in quests])
            for _ in range(10 if kind == "replays" else 1):
                whale.send([turn_in(quest) for quest in quests])
            number += 1
    out.put(whale.statuses)


def slowest(seen: list[Seen]) -> float:
    """The p99, in seconds."""
    waits = sorted(each.seconds for each in seen)
    return waits[len(waits) * 99 // 100]


async def measure(server: PackedServer, seconds: float, clients: int) -> list[Figure]:
    """The others alone, then beside each kind of trouble."""
    place = server.url.removeprefix("http://")
    size = await asyncio.to_thread(grow, Whale(place, server.token()))
    others = Clients(server.grants(OTHERS))
    await others.connect(server.url, clients)
    await others.watch(WARM_UP_SECONDS)
    alone = await others.watch(seconds)
    figures = [
        Figure("a read of everything of the large user", size / 1e6, "MB"),
        Figure("the others alone", rate(alone, seconds), "/s"),
        *latency("answered", alone),
    ]
    context = multiprocessing.get_context("spawn")
    for kind in (SMALL_READS, "turn-ins", "replays", "reads"):
        out = context.Queue()
        process = context.Process(
            target=trouble, args=(kind, place, server.token(), seconds + 2, out)
        )
        process.start()
        await others.watch(1.5)
        beside = await others.watch(seconds)
        statuses = await asyncio.to_thread(out.get)
        process.join()
        figures += [
            Figure(f"the others beside {kind}", rate(beside, seconds), "/s"),
            *latency("answered", beside),
            Figure("… p99, against alone", slowest(beside) / slowest(alone), "times", "2"),
            Figure("… with anything but 200", sum(seen.status != 200 for seen in beside), "", "0"),
            Figure("the large user's answers", sum(statuses.values()), ""),
            Figure(
                "… with 5xx",
                sum(count for status, count in statuses.items() if status >= 500),
                "",
                "0",
            ),
        ]
    return figures


def main() -> None:
    """Measure, print the table and write it."""
    end_as_errors_do()
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="length of each part")
    parser.add_argument("--clients", type=int, default=4, help="clients of the other users")
    arguments = parser.parse_args()
    options = [text for name in LIMITS for text in (f"--{name.replace('_', '-')}", "200000")]
    server = PackedServer(1, *options)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            measured: Callable[..., Any] = measure
            figures = runner.run(measured(server, arguments.seconds, arguments.clients))
    finally:
        server.close()
    title = f"{arguments.clients} clients of {OTHERS} users beside one large user of their host."
    print(tables.write("large_user", title, figures))


if __name__ == "__main__":
    main()

"""How much is answered at once: a full server, one user's share, a drain, and a bug of our own."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from actors.messages import refused
from gateway.api.app import USERS_WITH_ROOM_MIN
from gateway.api.retry_after import RETRIES_PER_SECOND, RetryAfterSpreader
from tests.gateway import gateway_kit
from tests.gateway.gateway_kit import ACKNOWLEDGE, SERVICE, Gateway, ScriptedCluster


class Waiting(ScriptedCluster):
    """A cluster that answers only once it is told to go on."""

    def __init__(self) -> None:
        super().__init__(refused("quest_not_found", "none"))
        self.arrived, self.go_on = asyncio.Event(), asyncio.Event()

    async def ask(self, requests: Any) -> Any:
        self.arrived.set()
        await self.go_on.wait()
        return await super().ask(requests)


async def test_a_full_server_says_so_at_once_and_takes_requests_again_later() -> None:
    cluster = Waiting()
    gateway = gateway_kit.gateway(cluster, requests_in_flight_max=1)
    first = asyncio.create_task(gateway.send(ACKNOWLEDGE))
    await cluster.arrived.wait()
    answer = await gateway.send(ACKNOWLEDGE, bearer=None)
    assert (answer.status, answer.code) == (503, "overloaded")
    assert answer.headers["retry-after"] == "1"
    assert (await gateway.get("/healthz", bearer=None)).status == 200
    cluster.go_on.set()
    assert (await first).status == 404
    assert (await gateway.send(ACKNOWLEDGE)).status == 404


async def test_one_user_has_a_share_of_the_room_and_the_others_have_the_rest() -> None:
    cluster = Waiting()
    gateway = gateway_kit.gateway(cluster, requests_in_flight_max=2 * USERS_WITH_ROOM_MIN)
    under_way = [asyncio.create_task(gateway.send(ACKNOWLEDGE)) for _ in range(2)]
    await cluster.arrived.wait()
    answer = await gateway.send([ACKNOWLEDGE, ACKNOWLEDGE])
    assert (answer.status, answer.code) == (429, "too_many_requests")
    assert answer.headers["retry-after"] == "1"
    other = asyncio.create_task(gateway.send(ACKNOWLEDGE, user="bob"))
    cluster.go_on.set()
    assert [(await one).status for one in (*under_way, other)] == [404, 404, 404]
    assert (await gateway.send(ACKNOWLEDGE)).status == 404


async def test_those_who_are_turned_away_are_told_to_come_back_one_after_the_other() -> None:
    cluster = Waiting()
    gateway = gateway_kit.gateway(cluster, requests_in_flight_max=1)
    first = asyncio.create_task(gateway.send(ACKNOWLEDGE))
    await cluster.arrived.wait()
    answers = [await gateway.send(ACKNOWLEDGE) for _ in range(RETRIES_PER_SECOND * 3 // 2)]
    moments = [answer.json["retry_after_ms"] for answer in answers]
    assert moments[0] == 1_000
    assert moments[-1] > 1_000
    assert {answer.status for answer in answers} == {503}
    cluster.go_on.set()
    await first


def test_a_crowd_is_spread_over_time_but_not_for_ever() -> None:
    spreader = RetryAfterSpreader()
    told = [spreader.next_ms(50.0) for _ in range(40 * RETRIES_PER_SECOND)]
    assert told[0] == 1_000
    assert told[RETRIES_PER_SECOND] == 2_000
    assert told == sorted(told)
    assert told[-1] == 30_000
    assert spreader.next_ms(90.0) == 1_000


async def test_a_draining_server_takes_nothing_new(gateway: Gateway) -> None:
    ready = await gateway.get("/readyz", bearer=None)
    assert (ready.status, ready.json) == (200, {"status": "ready"})
    gateway.app.drain()
    for answer in (await gateway.send(ACKNOWLEDGE), await gateway.get("/readyz", bearer=None)):
        assert (answer.status, answer.code) == (503, "draining")
        assert answer.headers["retry-after"] == "1"
    assert (await gateway.get("/healthz", bearer=None)).status == 200


async def test_a_server_that_is_not_ready_says_so(gateway: Gateway) -> None:
    gateway.app.ready = False
    answer = await gateway.get("/readyz", bearer=None)
    assert (answer.status, answer.json["detail"]) == (503, "The server is starting")


async def test_settling_waits_for_what_was_accepted_and_no_longer_than_told() -> None:
    arrived, go_on = asyncio.Event(), asyncio.Event()

    class Waiting(ScriptedCluster):
        async def ask(self, requests: Any) -> Any:
            arrived.set()
            await go_on.wait()
            return await super().ask(requests)

    gateway = gateway_kit.gateway(Waiting(refused("quest_not_found", "none")))
    assert await gateway.app.wait_idle(0.01)
    request = asyncio.create_task(gateway.send(ACKNOWLEDGE))
    await arrived.wait()
    assert not await gateway.app.wait_idle(0.01)
    go_on.set()
    assert await gateway.app.wait_idle(10)
    assert (await request).status == 404


BUGS: list[Callable[[], Exception]] = [
    lambda: RuntimeError(f"a bug near {SERVICE}"),
    lambda: KeyError("secret"),
    lambda: AssertionError(),
]


@pytest.mark.parametrize("bug", BUGS)
async def test_a_bug_is_a_500_that_tells_the_caller_nothing_but_an_id(
    bug: Callable[[], Exception],
) -> None:
    gateway = gateway_kit.gateway(ScriptedCluster(bug()))
    answer = await gateway.send(ACKNOWLEDGE)
    assert (answer.status, answer.code) == (500, "internal")
    assert len(answer.json["request_id"]) == 32
    for word in ("bug", "secret", "Error", "Traceback", SERVICE):
        assert word not in answer.json["detail"]

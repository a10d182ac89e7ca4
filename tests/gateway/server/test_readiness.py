"""`/readyz` is 200 while a user would be served now, at every gateway, and says why when not."""

import asyncio
from pathlib import Path

import pytest

from gateway.server import readiness
from gateway.server.readiness import Readiness
from tests.gateway import gateway_kit
from tests.gateway.server.workers_kit import SERVICE, StartSeveral, grant
from tests.processes_kit import until


class Behind:
    """What stands behind a gateway: answers once it may, with what a test put here."""

    def __init__(self) -> None:
        self.problem = ""
        self.asked = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def health(self) -> str:
        self.asked += 1
        await self.may_answer.wait()
        return self.problem


@pytest.fixture
def behind() -> Behind:
    return Behind()


async def test_many_who_ask_within_a_second_are_one_question(behind: Behind) -> None:
    ready = Readiness(behind.health)
    assert await asyncio.gather(*(ready.problem() for _ in range(50))) == [""] * 50
    behind.problem = "the store is away"
    assert await ready.problem() == ""
    assert behind.asked == 1


async def test_an_old_answer_is_asked_for_anew(
    behind: Behind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "FRESH_SECONDS", -1)
    ready = Readiness(behind.health)
    assert await ready.problem() == ""
    behind.problem = "the store is away"
    assert await ready.problem() == "the store is away"
    behind.problem = ""
    assert await ready.problem() == ""


async def test_who_does_not_answer_does_not_serve_and_is_not_asked_twice(
    behind: Behind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "CHECK_SECONDS", 0.01)
    behind.may_answer.clear()
    ready = Readiness(behind.health)
    for _ in range(3):
        assert "did not all answer within" in await ready.problem()
    assert behind.asked == 1
    behind.may_answer.set()
    while await ready.problem():
        pass
    assert behind.asked == 1


async def test_a_check_that_fails_is_no_readiness() -> None:
    async def broken() -> str:
        raise RuntimeError("a bug")

    assert await Readiness(broken).problem() == "readiness could not be checked: RuntimeError"


async def test_the_reason_is_in_the_answer() -> None:
    gateway = gateway_kit.gateway()

    async def health() -> str:
        return "the store is away"

    gateway.app.health = health
    answer = await gateway.get("/readyz", bearer=None)
    assert (answer.status, answer.code) == (503, "user_unavailable")
    assert answer.json["detail"] == "Users are not served: the store is away"


def test_every_gateway_says_it_while_the_store_is_away_and_no_longer(
    start_several: StartSeveral, tmp_path: Path
) -> None:
    several = start_several(2)
    each = several.reach_each()

    def statuses() -> set[int]:
        return {connection.get("/readyz").status for connection in each.values()}

    assert statuses() == {200}
    (tmp_path / "data").rename(tmp_path / "elsewhere")
    until(lambda: statuses() == {503})
    for connection in each.values():
        assert "the store cannot be used" in connection.get("/readyz").json["detail"]
        assert connection.get("/healthz").status == 200
    (tmp_path / "elsewhere").rename(tmp_path / "data")
    until(lambda: statuses() == {200})
    primary = each[several.primary]
    assert grant(primary, "c1").status == 200
    assert primary.get("/v1/users/alice", SERVICE).status == 200

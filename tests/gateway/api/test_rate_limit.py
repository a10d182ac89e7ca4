"""Rate limits: for each address, each player and each service."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api import rate_limit
from gateway.api.admission import Limits
from gateway.api.rate_limit import BURST_SECONDS, RateLimit
from tests.gateway import gateway_kit
from tests.gateway.gateway_kit import OPERATOR, PLAYER, SERVICE, Gateway, token


@given(
    rate=st.integers(1, 1_000),
    gaps=st.lists(st.floats(0, 1, allow_nan=False), max_size=200),
)
def test_never_more_are_let_through_than_the_rate_and_one_burst(
    rate: int, gaps: list[float]
) -> None:
    limit, now, let_through = RateLimit(rate), 0.0, 0
    for gap in gaps:
        now += gap
        let_through += limit.wait_ms("a", now) == 0
    assert let_through <= rate * (now + BURST_SECONDS) + 1


@given(rate=st.integers(1, 1_000), calls=st.integers(1, 3_000))
def test_whoever_waits_as_long_as_told_is_let_through(rate: int, calls: int) -> None:
    limit, now = RateLimit(rate), 100.0
    for _ in range(calls):
        wait_ms = limit.wait_ms("a", now)
        if wait_ms:
            now += wait_ms / 1_000
            assert limit.wait_ms("a", now) == 0


def test_a_burst_is_let_through_and_each_key_has_its_own() -> None:
    limit = RateLimit(10)
    assert [limit.wait_ms("a", 5.0) for _ in range(21)] == [0] * 20 + [100]
    assert limit.wait_ms("b", 5.0) == 0
    assert limit.wait_ms("a", 5.2) == 0


def test_less_than_one_in_two_seconds_is_a_rate_too() -> None:
    limit = RateLimit(0.1)
    assert limit.wait_ms("a", 0.0) == 0
    assert limit.wait_ms("a", 5.0) == 5_000
    assert limit.wait_ms("a", 10.0) == 0


def test_no_limit_counts_nothing() -> None:
    limit = RateLimit(0)
    assert {limit.wait_ms("a", 0.0) for _ in range(10_000)} == {0}
    assert not limit._full_at


def test_those_who_are_quiet_take_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "KEYS_BETWEEN_SWEEPS", 100)
    limit = RateLimit(10)
    for number in range(10_000):
        limit.wait_ms(f"key-{number}", number / 100)
    assert len(limit._full_at) <= 120


def limited(**rates: float) -> Gateway:
    return gateway_kit.gateway(limits=Limits(1 << 16, 100, **rates))


async def codes(gateway: Gateway, bearer: str | None, times: int, address: str = "") -> list[str]:
    answers = [
        await gateway.request("GET", "/v1/rules", bearer=bearer, address=address)
        for _ in range(times)
    ]
    return ["ok" if answer.status == 200 else answer.code for answer in answers]


async def test_a_player_has_a_rate_and_services_have_none() -> None:
    gateway = limited(player_rate_max=2)
    limited_to = ["ok"] * 4 + ["too_many_requests"] * 2
    assert await codes(gateway, PLAYER, 6) == limited_to
    assert await codes(gateway, token("bob"), 6) == limited_to
    for bearer in (SERVICE, OPERATOR):
        assert await codes(gateway, bearer, 20) == ["ok"] * 20


async def test_a_service_may_have_a_rate_of_its_own() -> None:
    gateway = limited(service_rate_max=1)
    assert await codes(gateway, SERVICE, 3) == ["ok", "ok", "too_many_requests"]
    assert await codes(gateway, PLAYER, 5) == ["ok"] * 5


async def test_an_address_has_a_rate_whoever_calls_from_there_and_with_whatever_token() -> None:
    gateway = limited(address_rate_max=1)
    assert await codes(gateway, "no token", 2, "10.0.0.1") == ["unauthenticated"] * 2
    assert await codes(gateway, SERVICE, 1, "10.0.0.1") == ["too_many_requests"]
    assert await codes(gateway, SERVICE, 1, "10.0.0.2") == ["ok"]
    health = await gateway.request("GET", "/healthz", bearer=None, address="10.0.0.1")
    assert health.status == 200


async def test_who_is_limited_hears_when_to_come_back_and_is_then_served() -> None:
    gateway = limited(player_rate_max=20)
    refused = await gateway.get("/v1/rules", PLAYER)
    while refused.status == 200:
        refused = await gateway.get("/v1/rules", PLAYER)
    assert (refused.status, refused.code) == (429, "too_many_requests")
    assert refused.headers["retry-after"] == "1"
    wait_ms = refused.json["retry_after_ms"]
    assert 0 < wait_ms <= 51
    await asyncio.sleep(wait_ms / 1_000)
    assert await codes(gateway, PLAYER, 1) == ["ok"]

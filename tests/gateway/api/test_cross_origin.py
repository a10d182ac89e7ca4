"""Pages of other origins: asked for by browsers, allowed by the setting, named by the log."""

import pytest
from structlog.testing import capture_logs

from tests.gateway.gateway_kit import PLAYER, Answer, gateway

PAGE = "http://localhost:5173"
PATH = "/v1/users/me/progression"


async def preflight(allowed: tuple[str, ...], origin: str = PAGE) -> Answer:
    headers = [
        ("Origin", origin),
        ("Host", "game.example"),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "authorization,content-type"),
    ]
    here = gateway(allow_origins=allowed)
    return await here.request("OPTIONS", "/v1/users/me/commands", bearer=None, headers=headers)


@pytest.mark.parametrize("allowed", [(PAGE,), ("*",), ("https://other", PAGE)])
async def test_an_allowed_page_may_ask(allowed: tuple[str, ...]) -> None:
    answer = await preflight(allowed)
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert "authorization" in answer.headers["access-control-allow-headers"]
    assert "POST" in answer.headers["access-control-allow-methods"]


@pytest.mark.parametrize("allowed", [(), ("https://other",), ("http://localhost",)])
async def test_any_other_page_may_not_and_the_log_names_it_once_and_the_option(
    allowed: tuple[str, ...],
) -> None:
    with capture_logs() as lines:
        answer = await preflight(allowed)
    assert answer.status == 405
    assert "access-control-allow-origin" not in answer.headers
    [line] = [line for line in lines if "origin" in line]
    assert (line["origin"], line["option"]) == (PAGE, "--allow-origin")


async def test_an_allowed_page_is_shown_the_answer_and_its_tag() -> None:
    here = gateway(allow_origins=(PAGE,))
    answer = await here.get(PATH, PLAYER, headers=[("Origin", PAGE), ("Host", "game.example")])
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert answer.headers["vary"] == "origin"
    assert "etag" in answer.headers["access-control-expose-headers"]


async def test_refusals_are_shown_too() -> None:
    here = gateway(allow_origins=(PAGE,))
    headers = [("Origin", PAGE), ("Host", "game.example")]
    answer = await here.get("/v1/users/bob", PLAYER, headers=headers)
    assert (answer.status, answer.code) == (403, "not_your_user")
    assert answer.headers["access-control-allow-origin"] == PAGE


async def test_a_page_of_this_host_needs_nothing() -> None:
    headers = [("Origin", "https://game.example"), ("Host", "game.example")]
    answer = await gateway().get(PATH, PLAYER, headers=headers)
    assert answer.status == 200
    assert "access-control-allow-origin" not in answer.headers

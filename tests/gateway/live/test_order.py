"""Versions rise by one, answers keep their commands' order, a reply has its version's place."""

from collections.abc import Awaitable, Callable

import pytest

from tests.gateway.live.order_kit import SCENARIOS


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
async def test_the_order_of_one_users_frames(scenario: Callable[[], Awaitable[None]]) -> None:
    await scenario()

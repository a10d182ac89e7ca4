"""Deaths that need an exact order of events, in this process."""

from collections.abc import Awaitable, Callable

import pytest

from tests.crash.scenarios_kit import SCENARIOS


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
async def test_events_in_a_bad_order_break_nothing(scenario: Callable[[], Awaitable[None]]) -> None:
    await scenario()

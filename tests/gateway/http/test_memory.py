"""Connections that have ended leave nothing behind, whatever ended them."""

import asyncio
from collections.abc import Callable

import pytest

from gateway.server.event_loop import loop_factory
from tests.gateway.http import scenarios_kit

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("end", scenarios_kit.ENDS)
@pytest.mark.parametrize("make_loop", [asyncio.new_event_loop, loop_factory()])
def test_a_closed_connection_is_gone_without_the_collector(
    make_loop: Callable[[], asyncio.AbstractEventLoop], end: str
) -> None:
    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.run(scenarios_kit.a_closed_connection_is_gone(end))

"""The window of one sender at one host: whoever leaves takes no room with them."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from actors.messages import Ask, Reply, answered
from gateway.api.commands.execution import AT_A_HOST_MAX, HostWindow
from tests.actors.host_kit import grant


class Users:
    """A host that begins another request of the same sender while it answers the first."""

    def __init__(self, window: HostWindow) -> None:
        self.next: asyncio.Task[Any] | None = None
        self._window = window

    async def ask_host(self, asks: Sequence[Ask]) -> list[Reply]:
        if self.next is None:
            users: Any = self
            self.next = asyncio.create_task(self._window.ask(users, [grant("u", "next")]))
            await asyncio.sleep(0)  # it waits for its turn by then
        return [answered(b"{}") for _ in asks]


async def test_whoever_is_cancelled_as_its_turn_comes_leaves_the_room_it_was_given() -> None:
    window = HostWindow()
    users: Any = Users(window)
    await window.ask(users, [grant("u", f"c{number}") for number in range(AT_A_HOST_MAX)])
    users.next.cancel()
    with pytest.raises(asyncio.CancelledError):
        await users.next
    assert window.idle

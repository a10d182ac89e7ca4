"""Groups on trial: a host that dies of one request, and what becomes of the others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest

from actors.errors import OutcomeUnknown
from actors.messages import Ask, answered
from actors.transport.addresses import LocalAddress
from actors.transport.frames import Frames, ReplyGroup, decode_request_groups, frame
from actors.transport.socket_channel import SocketChannel
from tests.actors.host_kit import grant

POISON = "poison"


class DyingHost(asyncio.Protocol):
    """Answers every group of a frame at once, but hangs up where one has the poisonous command."""

    def __init__(self, frames: list[list[str]]) -> None:
        self._seen = frames
        self._frames = Frames()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        for content in self._frames.feed(data):
            groups = decode_request_groups(content)
            names = [
                request.command_id
                for _, requests in groups
                for request in requests
                if isinstance(request, Ask)
            ]
            self._seen.append(names)
            if POISON in names:
                self._transport.abort()
                return
            replies = [ReplyGroup(number, [answered(b"yes")]) for number, _ in groups]
            self._transport.write(frame(replies))


@asynccontextmanager
async def dying_host(folder: Path) -> AsyncIterator[tuple[SocketChannel, list[list[str]]]]:
    """A channel to such a host, and what each frame had."""
    frames: list[list[str]] = []
    path = str(folder / "host")
    server = await asyncio.get_running_loop().create_unix_server(lambda: DyingHost(frames), path)

    async def find() -> LocalAddress:
        return LocalAddress(path)

    channel = SocketChannel(find)
    try:
        yield channel, frames
    finally:
        channel.close()
        server.close()
        await asyncio.sleep(0.01)  # until the other ends have noticed


async def a_group_with_which_two_connections_broke_is_given_up(folder: Path) -> None:
    async with dying_host(folder) as (channel, frames):
        await channel.ask([grant("u", "before")], 60)
        with pytest.raises(OutcomeUnknown, match="lost 2 times"):
            await channel.ask([grant("u", POISON)], 60)
        assert await channel.ask([grant("u", "after")], 60) == [answered(b"yes")]
    assert frames == [["before"], [POISON], [POISON], ["after"]]


async def a_group_that_breaks_connections_takes_no_other_with_it(folder: Path, others: int) -> None:
    async with dying_host(folder) as (channel, frames):
        await channel.ask([grant("u", "before")], 60)
        names = [f"c{number}" for number in range(others)]
        names.insert(others // 2, POISON)
        asked = [asyncio.create_task(channel.ask([grant(name, name)], 60)) for name in names]
        outcomes = dict(
            zip(names, await asyncio.gather(*asked, return_exceptions=True), strict=True)
        )
        assert isinstance(outcomes.pop(POISON), OutcomeUnknown)
        assert list(outcomes.values()) == [[answered(b"yes")]] * others
        assert sum(POISON in frame for frame in frames) <= 3


async def what_is_asked_during_the_trial_leaves_behind_it(folder: Path) -> None:
    async with dying_host(folder) as (channel, frames):
        await channel.ask([grant("u", "before")], 60)
        names = ["c0", POISON, "c1", "c2"]
        asked = [asyncio.create_task(channel.ask([grant("u", name)], 60)) for name in names]
        await asked[0]
        late = asyncio.create_task(channel.ask([grant("u", "late")], 60))
        await asyncio.gather(*asked, late, return_exceptions=True)
    seen = [name for frame in frames for name in frame]
    assert [name for name in dict.fromkeys(reversed(seen)) if name != POISON] == [
        "late",
        "c2",
        "c1",
        "c0",
        "before",
    ]

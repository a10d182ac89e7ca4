"""The IPC channel between two gateways, over a real pair of sockets."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.server import ipc
from gateway.server.ipc import FRAME_BYTES_MAX, Handlers, IpcChannel, PeerGone, RemoteError


class Ends:
    """Both ends in one process; `calls` is what the second one was asked, in order."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.go_on = asyncio.Event()

    async def open(self) -> None:
        one, other = socket.socketpair()
        handlers: Handlers = {
            "echo": self.echo,
            "wait": self.wait,
            "break": self.fail,
            "long": self.long,
        }
        self.ours = await IpcChannel.open(one, {"back": self.back})
        self.theirs = await IpcChannel.open(other, handlers)

    async def echo(self, content: Any) -> Any:
        self.calls.append(content)
        return content

    async def wait(self, content: Any) -> Any:
        await self.go_on.wait()
        return content

    async def fail(self, content: Any) -> Any:
        raise ValueError(content)

    async def long(self, length: int) -> str:
        return "x" * length

    async def back(self, content: Any) -> Any:
        return ["back", content]


@pytest.fixture
async def ends() -> AsyncIterator[Ends]:
    pair = Ends()
    await pair.open()
    yield pair
    pair.ours.close()
    await pair.theirs.closed.wait()


async def test_each_end_calls_the_other(ends: Ends) -> None:
    for content in (None, "x" * 1_000_000, {"a": [1, b"2"]}):
        assert await ends.ours.call("echo", content) == content
    assert await ends.theirs.call("back", 5) == ["back", 5]


async def test_calls_arrive_in_order_and_a_slow_one_holds_none_up(ends: Ends) -> None:
    slow = asyncio.create_task(ends.ours.call("wait", "slow"))
    answers = await asyncio.gather(*(ends.ours.call("echo", number) for number in range(100)))
    assert answers == ends.calls == list(range(100))
    ends.go_on.set()
    assert await slow == "slow"


async def test_a_call_that_cannot_be_answered_fails_alone(ends: Ends) -> None:
    with pytest.raises(RemoteError, match="break: ValueError"):
        await ends.ours.call("break", "why")
    with pytest.raises(RemoteError, match="nobody"):
        await ends.ours.call("nobody")
    assert await ends.ours.call("echo", 1) == 1


async def test_a_call_that_nobody_waits_for_any_more_disturbs_nothing(ends: Ends) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await ends.ours.call("wait", 1)
    ends.go_on.set()
    assert await ends.ours.call("echo", 2) == 2


@pytest.mark.parametrize("who", ["ours", "theirs"])
async def test_both_ends_notice_when_one_hangs_up(ends: Ends, who: str) -> None:
    waiting = asyncio.create_task(ends.ours.call("wait"))
    await ends.ours.call("echo")
    getattr(ends, who).close()
    with pytest.raises(PeerGone):
        await waiting
    await ends.ours.closed.wait()
    await ends.theirs.closed.wait()
    with pytest.raises(PeerGone):
        await ends.ours.call("echo")


async def test_a_call_or_answer_beyond_the_bound_fails_alone(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ipc, "FRAME_BYTES_MAX", 1_000)
    with pytest.raises(RemoteError, match="expected at most 1000"):
        await ends.ours.call("echo", "x" * 1_000)
    with pytest.raises(RemoteError, match=r"long: RemoteError.*expected at most 1000"):
        await ends.ours.call("long", 1_000)
    assert await ends.ours.call("echo", 1) == 1


async def test_a_frame_beyond_the_bound_is_not_read() -> None:
    ours, theirs = socket.socketpair()
    channel = await IpcChannel.open(ours, {})
    with theirs:
        theirs.sendall((FRAME_BYTES_MAX + 1).to_bytes(4, "big"))
        await channel.closed.wait()

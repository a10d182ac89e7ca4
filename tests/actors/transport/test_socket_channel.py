"""The direct channel under load: too much that waits, many replies at once."""

import asyncio

import pytest

from actors.errors import HostGone, Overloaded
from actors.messages import Reply, answered, not_here
from actors.transport import socket_channel
from actors.transport.frames import frame
from actors.transport.socket_channel import REPLIES_AT_ONCE, SocketChannel
from tests.actors.host_kit import look

LENGTH_BYTES = 4


async def test_a_channel_on_which_too_much_waits_refuses_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket_channel, "GROUPS_MAX", 2)
    channel, waiting = await waiting_channel(2)
    with pytest.raises(Overloaded) as refused:
        await channel.ask([look("u")], 60)
    assert refused.value.retry_after_ms > 0
    channel.close()
    for one in waiting:
        one.cancel()


async def test_replies_that_come_together_let_others_in_between() -> None:
    channel, asked = await waiting_channel(3 * REPLIES_AT_ONCE)
    channel.answered(payload({number + 1: answered(b"yes") for number in range(len(asked))}))
    rounds = 0
    while not all(one.done() for one in asked):
        await asyncio.sleep(0)
        rounds += 1
        assert sum(one.done() for one in asked) <= rounds * REPLIES_AT_ONCE
    assert rounds >= 3
    assert [one.result() for one in asked] == [[answered(b"yes")]] * len(asked)
    channel.close()


async def test_a_host_that_leaves_among_its_replies_is_asked_again_for_the_rest() -> None:
    channel, asked = await waiting_channel(3)
    leaving = not_here("this host is going down", 500)
    channel.answered(payload({1: answered(b"yes"), 2: leaving, 3: answered(b"old")}))
    assert await asked[0] == [answered(b"yes")]
    channel.answered(payload({2: answered(b"two"), 3: answered(b"three")}))
    assert [await one for one in asked[1:]] == [[answered(b"two")], [answered(b"three")]]
    channel.close()


async def waiting_channel(count: int) -> tuple[SocketChannel, list[asyncio.Task[list[Reply]]]]:
    """A channel whose host is nowhere, and so many requests on it, numbered from 1."""

    async def nowhere() -> str:
        raise HostGone("not here yet")

    channel = SocketChannel(nowhere)
    asked = [asyncio.create_task(channel.ask([look("u")], 60)) for _ in range(count)]
    await asyncio.sleep(0)
    return channel, asked


def payload(replies: dict[int, Reply]) -> bytes:
    """What a host sends, without the frame around it."""
    return frame([(number, [reply]) for number, reply in replies.items()])[LENGTH_BYTES:]

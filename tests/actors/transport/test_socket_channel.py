"""The socket channel under load and in trouble: too much that waits, a host that hangs up."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from actors.errors import HostGone, Overloaded, RequestTooLarge
from actors.messages import Reply, answered, not_here
from actors.transport import frames as frames_module
from actors.transport import socket_channel
from actors.transport.frames import ReplyGroup, frame
from actors.transport.socket_channel import REPLIES_AT_ONCE, SocketChannel
from tests.actors.host_kit import grant, look
from tests.actors.transport import trial_kit as trial

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
    channel.received(payload({number + 1: answered(b"yes") for number in range(len(asked))}))
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
    channel.received(payload({1: answered(b"yes"), 2: leaving, 3: answered(b"old")}))
    assert await asked[0] == [answered(b"yes")]
    channel.received(payload({2: answered(b"two"), 3: answered(b"three")}))
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


async def test_a_bug_in_finding_a_host_is_logged_and_it_is_found_all_the_same(
    tmp_path: Path,
) -> None:
    async with trial.dying_host(tmp_path) as (channel, _):
        find, bugs = channel._find, [KeyError("bug"), HostGone("away"), ValueError("bug")]

        async def found_after_bugs() -> Any:
            if bugs:
                raise bugs.pop()
            return await find()

        channel._find = found_after_bugs
        with capture_logs() as lines:
            [reply] = await channel.ask([look("u")], 60)
    assert not reply.code
    assert [line["event"] for line in lines] == [
        "a host could not be reached; it is tried again"
    ] * 2


def payload(replies: dict[int, Reply]) -> bytes:
    """What a host sends, without the frame around it."""
    return frame([ReplyGroup(number, [reply]) for number, reply in replies.items()])[LENGTH_BYTES:]


async def test_a_group_with_which_two_connections_broke_is_given_up(tmp_path: Path) -> None:
    await trial.a_group_with_which_two_connections_broke_is_given_up(tmp_path)


@pytest.mark.parametrize("others", [5, 100])
async def test_a_group_that_breaks_connections_takes_no_other_with_it(
    tmp_path: Path, others: int
) -> None:
    await trial.a_group_that_breaks_connections_takes_no_other_with_it(tmp_path, others)


async def test_what_is_asked_during_the_trial_leaves_behind_it(tmp_path: Path) -> None:
    await trial.what_is_asked_during_the_trial_leaves_behind_it(tmp_path)


async def test_a_group_that_no_frame_can_hold_is_refused_and_others_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames_module, "FRAME_BYTES_MAX", 10_000)
    many = [grant("u", f"c{number}") for number in range(1_000)]
    async with trial.dying_host(tmp_path) as (channel, frames):
        await channel.ask([grant("u", "before")], 60)
        asked = [channel.ask([grant("v", f"d{number}")], 60) for number in range(100)]
        tasks = [asyncio.create_task(each) for each in asked]
        with pytest.raises(RequestTooLarge):
            await channel.ask(many, 60)
        assert [await task for task in tasks] == [[answered(b"yes")]] * 100
        assert channel.retries == 0
    assert [name for names in frames for name in names][1:] == [f"d{n}" for n in range(100)]

"""A channel: in order, one batch at a time, again when the host died, and an end to patience."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from actors.errors import HostGone, OutcomeUnknown, Overloaded, UserBusy, UserUnavailable
from actors.messages import Reply, answered, not_here
from actors.transport import call_channel
from actors.transport.call_channel import (
    WAITING_REQUESTS_MAX,
    CallChannel,
    decode_batch,
    encode_replies,
)
from tests.actors.host_kit import grant

Send = Callable[[bytes], Awaitable[bytes]]


class FakeHost:
    """Remembers batches; answers when let, or dies as often as told."""

    def __init__(self, deaths: int = 0, leaving: int = 0, poison: str = "") -> None:
        self.batches: list[list[str]] = []
        self.asked = asyncio.Event()
        self.let = asyncio.Event()
        self.let.set()
        self.deaths = deaths
        self.leaving = leaving
        self.poison = poison
        self.connects = 0

    async def connect(self) -> Send:
        self.connects += 1
        return self.send

    async def send(self, batch: bytes) -> bytes:
        groups = [[str(request.command_id) for request in group] for group in decode_batch(batch)]  # type: ignore[union-attr]
        ids = [name for group in groups for name in group]
        self.batches.append(ids)
        self.asked.set()
        await self.let.wait()
        if self.poison in ids:
            raise HostGone("of poison")
        if self.deaths:
            self.deaths -= 1
            raise HostGone("on request")
        if self.leaving:
            self.leaving -= 1
            return encode_replies([[not_here("on request", 500)] * len(each) for each in groups])
        return encode_replies([[answered(name.encode()) for name in each] for each in groups])


def told(replies: list[Reply]) -> list[str]:
    return [reply.body.decode() for reply in replies]


async def test_messages_gather_while_a_batch_is_on_its_way() -> None:
    host = FakeHost()
    host.let.clear()
    channel = CallChannel(host.connect)
    asked = [asyncio.create_task(channel.ask([grant("u", f"c{n}")], 5)) for n in range(4)]
    await host.asked.wait()
    late = asyncio.create_task(channel.ask([grant("u", "late")], 5))
    await asyncio.sleep(0)
    host.let.set()
    assert [told(await one) for one in [*asked, late]] == [["c0"], ["c1"], ["c2"], ["c3"], ["late"]]
    assert [name for batch in host.batches for name in batch] == ["c0", "c1", "c2", "c3", "late"]
    assert host.batches[-1][-1] == "late"
    assert len(host.batches) == 2


@pytest.mark.parametrize(
    ("trouble", "times"), [({"deaths": 1}, 1), ({"leaving": 2}, 2)], ids=["dies", "leaves"]
)
async def test_a_batch_whose_host_is_gone_is_sent_again_unchanged(
    trouble: dict[str, int], times: int
) -> None:
    host = FakeHost(**trouble)
    channel = CallChannel(host.connect)
    assert told(await channel.ask([grant("u", "a"), grant("u", "b")], 5)) == ["a", "b"]
    assert host.batches == [["a", "b"]] * (times + 1)
    assert host.connects == times + 1
    assert channel.retries == times


async def test_a_group_with_which_two_hosts_died_is_given_up_and_the_next_is_served() -> None:
    host = FakeHost(deaths=2)
    channel = CallChannel(host.connect)
    with pytest.raises(OutcomeUnknown, match="lost 2 times"):
        await channel.ask([grant("u", "poison")], 5)
    assert told(await channel.ask([grant("u", "next")], 5)) == ["next"]
    assert host.batches == [["poison"], ["poison"], ["next"]]


async def test_a_group_that_kills_hosts_takes_no_other_with_it() -> None:
    host = FakeHost(poison="poison")
    channel = CallChannel(host.connect)
    host.let.clear()
    first = asyncio.create_task(channel.ask([grant("u", "first")], 5))
    await host.asked.wait()
    names = ["a", "poison", "b"]
    asked = [asyncio.create_task(channel.ask([grant("u", name)], 5)) for name in names]
    await asyncio.sleep(0)
    host.let.set()
    await first
    a, poison, b = await asyncio.gather(*asked, return_exceptions=True)
    assert (a, b) == ([answered(b"a")], [answered(b"b")])
    assert isinstance(poison, OutcomeUnknown)
    assert host.batches == [["first"], names, ["a"], ["poison"], ["b"]]


async def test_a_call_answers_as_many_groups_as_fit_and_the_next_one_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(call_channel, "REPLIES_BYTES_MAX", 8)
    host = FakeHost()
    host.let.clear()
    channel = CallChannel(host.connect)
    asked = [asyncio.create_task(channel.ask([grant("u", "a")], 5))]
    await host.asked.wait()
    names = ["three", "four", "a-name-beyond-the-bound", "b"]
    asked += [asyncio.create_task(channel.ask([grant("u", name)], 5)) for name in names]
    await asyncio.sleep(0)
    host.let.set()
    assert [told(await task) for task in asked] == [["a"], *([name] for name in names)]
    assert host.batches == [["a"], names, names[1:], names[2:], names[3:]]


async def test_a_host_that_never_answers_ends_in_outcome_unknown() -> None:
    host = FakeHost()
    host.let.clear()
    with pytest.raises(OutcomeUnknown):
        await CallChannel(host.connect).ask([grant("u", "c")], 0.01)


async def test_a_host_that_never_starts_ends_in_user_unavailable() -> None:
    async def connect() -> Send:
        raise HostGone

    with pytest.raises(UserUnavailable):
        await CallChannel(connect).ask([grant("u", "c")], 0.01)


async def test_no_room_is_told_at_once_and_the_next_message_tries_again() -> None:
    host = FakeHost()
    full = True

    async def connect() -> Send:
        if full:
            raise Overloaded("no room")
        return await host.connect()

    channel = CallChannel(connect)
    with pytest.raises(Overloaded):
        await channel.ask([grant("u", "c")], 5)
    full = False
    assert told(await channel.ask([grant("u", "c")], 5)) == ["c"]


async def test_too_much_waiting_is_refused_at_once() -> None:
    host = FakeHost()
    host.let.clear()
    channel = CallChannel(host.connect)
    many = [grant("u", f"c{n}") for n in range(100)]
    asked = [asyncio.create_task(channel.ask(many, 5))]
    await host.asked.wait()
    asked += [asyncio.create_task(channel.ask(many, 5)) for _ in range(WAITING_REQUESTS_MAX // 100)]
    await asyncio.sleep(0)
    with pytest.raises(UserBusy):
        await channel.ask([grant("u", "late")], 5)
    host.let.set()
    assert [len(await one) for one in asked] == [100] * len(asked)


async def test_an_idle_channel_says_so() -> None:
    host = FakeHost()
    channel = CallChannel(host.connect)
    assert channel.idle
    await channel.ask([grant("u", "c")], 5)
    await asyncio.sleep(0)
    assert channel.idle

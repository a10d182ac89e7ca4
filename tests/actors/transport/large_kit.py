"""A host with a large user, behind a real socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from actors.host.host import Host
from actors.messages import Ask, Read, Reply, View
from actors.transport import outbox
from actors.transport.addresses import HostAddress, LocalAddress
from actors.transport.socket_channel import SocketChannel
from actors.transport.socket_server import SocketServer
from actors.user import refusals
from domain.decide.limits import Limits
from persistence.codec import slices
from tests.actors.host_kit import Rig, body, command, grant, look

KB = 1024
WAIT_SECONDS = 60.0
LARGE = Limits(open_objectives_max=1_000_000)
"""Of hosts whose users become large."""


def make_parts_small(patch: pytest.MonkeyPatch) -> None:
    """So that some hundred kilobytes are as large as megabytes are."""
    patch.setattr(outbox, "PART_BYTES", 2 * KB)
    patch.setattr(outbox, "BUFFER_BYTES", 8 * KB)
    patch.setattr(outbox, "PART_SECONDS", 0.0)
    patch.setattr(slices, "SLICE_BYTES", 2 * KB)


@asynccontextmanager
async def channel_to(host: Host, folder: Path) -> AsyncIterator[SocketChannel]:
    """A channel to `host`, which listens in `folder`."""
    path = str(folder / "host")
    server = await SocketServer.listen(host, path)

    async def find() -> HostAddress:
        return LocalAddress(path)

    channel = SocketChannel(find)
    try:
        yield channel
    finally:
        channel.close()
        server.close()
        await asyncio.sleep(0.01)  # until the host's ends have noticed


async def grow(rig: Rig, user_id: str, quests: int, objectives: int = 100) -> None:
    """Make a user large: about 9 kB for each quest of a hundred objectives."""
    for number in range(quests):
        (reply,) = await rig.host.ask([offer(user_id, f"big-{number}", objectives)])
        assert reply.code == "", reply


def offer(user_id: str, quest_id: str, objectives: int = 0, **reward: Any) -> Ask:
    """A quest; without objectives it is ready to be turned in."""
    goals = [
        {"kind": "collect", "target": f"target-{number:03}-of-{quest_id}", "required": 3}
        for number in range(objectives)
    ]
    return command(
        user_id,
        f"offer-{quest_id}",
        "offer_quest",
        quest_id=quest_id,
        objectives=goals,
        reward={"experience": 1, **reward},
    )


def turn_in(user_id: str, quest_id: str) -> Ask:
    """Turn a quest in."""
    return command(user_id, f"turn-{quest_id}", "turn_in_quest", quest_id=quest_id)


async def others_are_answered_while_a_whale_is_sent(folder: Path) -> None:
    """Its sixteen reads and its list are under way when another user's commands begin; those are
    answered one after the other before the first of the reads is."""
    rig = Rig(limits=LARGE)
    await grow(rig, "whale", 60)
    for number in range(100):
        await rig.host.ask([offer("whale", f"ready-{number}", items={f"i{number}": 1})])
    answered: list[str] = []

    async def note(name: str, replies: asyncio.Task[list[Reply]]) -> list[Reply]:
        result = await replies
        answered.append(name)
        return result

    async with channel_to(rig.host, folder) as channel:
        await channel.ask([look("bob")], WAIT_SECONDS)
        reads = [
            asyncio.create_task(channel.ask([look("whale", View.USER)], WAIT_SECONDS))
            for _ in range(16)
        ]
        turn_ins = [turn_in("whale", f"ready-{number}") for number in range(100)]
        list_of_100 = asyncio.create_task(channel.ask(turn_ins, WAIT_SECONDS))
        noted = [asyncio.create_task(note("whale", task)) for task in reads]
        for number in range(10):
            (reply,) = await channel.ask([grant("bob", f"c{number}")], WAIT_SECONDS)
            assert body(reply)["version"] == number + 1
            answered.append("bob")
        whole = [reply for replies in await asyncio.gather(*noted) for reply in replies]
        assert all(reply.code == "" for reply in await list_of_100)
        assert channel.retries == 0
    assert answered[:10] == ["bob"] * 10
    assert {len(body(reply)["quest_record"]) for reply in whole} == {160}


async def an_answer_beyond_the_bound_is_that_request_s_refusal_alone(
    folder: Path, patch: pytest.MonkeyPatch
) -> None:
    rig = Rig(limits=LARGE)
    await grow(rig, "whale", 20)
    await grow(rig, "dolphin", 2)
    patch.setattr(refusals, "ANSWER_BYTES_MAX", 100 * KB)
    async with channel_to(rig.host, folder) as channel:
        users = ("whale", "dolphin", "bob")
        asked = (channel.ask([look(user, View.USER)], WAIT_SECONDS) for user in users)
        [whale], [dolphin], [bob] = await asyncio.gather(*asked)
        page = Read("whale", View.QUESTS, "", look("whale").media, limit=5)
        [first_page] = await channel.ask([page], WAIT_SECONDS)
        assert channel.retries == 0
    assert (whale.code, whale.body, whale.retry_after_ms) == ("answer_too_large", b"", None)
    assert len(body(dolphin)["quest_record"]) == 2
    assert bob.code == ""
    assert len(body(first_page)["quest_record"]) == 5
    assert (await rig.host.ask([look("whale", View.USER)]))[0] == whale


async def what_the_other_end_does_not_read_is_not_encoded(folder: Path) -> None:
    rig = Rig(limits=LARGE)
    await grow(rig, "whale", 300)
    (whole,) = await rig.host.ask([look("whale", View.USER)])
    encoded = 0

    def counted(value: object, form: object) -> object:
        nonlocal encoded
        for piece in pieces(value, form):  # type: ignore[arg-type]
            encoded += len(piece)
            yield piece

    pieces = slices._pieces
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slices, "_pieces", counted)
        async with channel_to(rig.host, folder) as channel:
            await channel.ask([look("bob")], WAIT_SECONDS)
            connection = channel._connection
            assert connection is not None
            assert connection._transport is not None
            connection._transport.pause_reading()  # type: ignore[attr-defined]
            reads = [channel.ask([look("whale", View.USER)], WAIT_SECONDS) for _ in range(4)]
            asked = [asyncio.create_task(read) for read in reads]
            before = -1
            while encoded > before:
                before = encoded
                for _ in range(1_000):
                    await asyncio.sleep(0)
            assert 0 < encoded < len(whole.body)  # of four times as much
            connection._transport.resume_reading()  # type: ignore[attr-defined]
            assert await asyncio.gather(*asked) == [[whole]] * 4

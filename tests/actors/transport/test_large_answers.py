"""Large answers: whole, in parts, bounded, and nobody else's trouble."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from actors.messages import Read, Reply, View
from actors.transport import outbox
from actors.user import bodies, refusals
from persistence.codec import slices
from tests.actors.host_kit import Rig, body, grant, look
from tests.actors.transport.large_kit import LARGE, WAIT_SECONDS, channel_to, grow, offer, turn_in

KB = 1024


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that some hundred kilobytes are as large as megabytes are."""
    monkeypatch.setattr(outbox, "PART_BYTES", 2 * KB)
    monkeypatch.setattr(outbox, "BUFFER_BYTES", 8 * KB)
    monkeypatch.setattr(slices, "SLICE_BYTES", 2 * KB)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("view", [View.USER, View.QUESTS, View.UNSETTLED])
async def test_a_large_read_is_the_same_over_a_socket_as_at_once(
    view: View, tmp_path: Path
) -> None:
    rig = Rig(limits=LARGE)
    await grow(rig, "whale", 20)
    async with channel_to(rig.host, tmp_path) as channel:
        (over_socket,) = await channel.ask([look("whale", view)], WAIT_SECONDS)
    (at_once,) = await rig.host.ask([look("whale", view)])
    assert over_socket == at_once
    assert len(over_socket.body) > 100 * KB
    assert over_socket.position
    assert len(body(over_socket)["quest_record"]) == 20


@pytest.mark.usefixtures("small_parts")
async def test_others_are_answered_while_a_whale_is_sent(tmp_path: Path) -> None:
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

    async with channel_to(rig.host, tmp_path) as channel:
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


@pytest.mark.usefixtures("small_parts")
async def test_an_answer_beyond_the_bound_is_that_request_s_refusal_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = Rig(limits=LARGE)
    await grow(rig, "whale", 20)
    await grow(rig, "dolphin", 2)
    monkeypatch.setattr(refusals, "ANSWER_BYTES_MAX", 100 * KB)
    async with channel_to(rig.host, tmp_path) as channel:
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


@pytest.mark.usefixtures("small_parts")
async def test_commands_whose_answers_are_too_large_together_were_carried_out_and_tell_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = Rig(limits=LARGE)
    goods = {f"item-{number:03}": 1 for number in range(100)}
    for number in range(40):
        await rig.host.ask([offer("whale", f"q{number}", items=goods)])
    commands = [turn_in("whale", f"q{number}") for number in range(40)]
    monkeypatch.setattr(refusals, "ANSWER_BYTES_MAX", 50 * KB)
    async with channel_to(rig.host, tmp_path) as channel:
        replies = await channel.ask(commands, WAIT_SECONDS)
        codes = [reply.code for reply in replies]
        fitting = codes.count("")
        assert 0 < fitting < 40
        assert codes == [""] * fitting + ["answer_too_large"] * (40 - fitting)
        (again,) = await channel.ask(commands[-1:], WAIT_SECONDS)
    assert (body(again)["replayed"], body(again)["version"]) == (True, 80)


@pytest.mark.usefixtures("small_parts")
async def test_what_the_other_end_does_not_read_is_not_encoded(tmp_path: Path) -> None:
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
        async with channel_to(rig.host, tmp_path) as channel:
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


async def test_a_body_that_cannot_be_encoded_is_that_request_s_refusal_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = Rig(limits=LARGE)
    await grow(rig, "whale", 60)

    def fail(value: object) -> object:
        yield b"{"
        yield b'"user_id":'
        raise msgspec.MsgspecError("a bug")

    monkeypatch.setattr(bodies, "json_slices", fail)
    async with channel_to(rig.host, tmp_path) as channel:
        asked = (channel.ask([look(user, View.USER)], WAIT_SECONDS) for user in ("whale", "bob"))
        [whale], [bob] = await asyncio.gather(*asked)
        assert channel.retries == 0
    assert (whale.code, bob.code) == ("internal", "")
    assert "request_id" in whale.detail

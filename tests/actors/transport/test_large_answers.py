"""Large answers: whole, in parts, bounded, and nobody else's trouble."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from actors.messages import View, answered
from actors.transport import outbox
from actors.user import bodies, refusals
from tests.actors.host_kit import Rig, body, look
from tests.actors.transport import large_kit as large
from tests.actors.transport.large_kit import LARGE, WAIT_SECONDS, channel_to, grow, offer, turn_in


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    large.make_parts_small(monkeypatch)


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
    assert len(over_socket.body) > 100 * large.KB
    assert over_socket.position
    assert len(body(over_socket)["quest_record"]) == 20


@pytest.mark.usefixtures("small_parts")
async def test_others_are_answered_while_a_whale_is_sent(tmp_path: Path) -> None:
    await large.others_are_answered_while_a_whale_is_sent(tmp_path)


@pytest.mark.usefixtures("small_parts")
async def test_an_answer_beyond_the_bound_is_that_request_s_refusal_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await large.an_answer_beyond_the_bound_is_that_request_s_refusal_alone(tmp_path, monkeypatch)


@pytest.mark.usefixtures("small_parts")
async def test_commands_whose_answers_are_too_large_together_were_carried_out_and_tell_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = Rig(limits=LARGE)
    goods = {f"item-{number:03}": 1 for number in range(100)}
    for number in range(40):
        await rig.host.ask([offer("whale", f"q{number}", items=goods)])
    commands = [turn_in("whale", f"q{number}") for number in range(40)]
    monkeypatch.setattr(refusals, "ANSWER_BYTES_MAX", 50 * large.KB)
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
    await large.what_the_other_end_does_not_read_is_not_encoded(tmp_path)


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


class Sink(asyncio.WriteTransport):
    """Takes everything at once."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[bytes] = []

    def write(self, data: Any) -> None:
        self.frames.append(bytes(data))

    def is_closing(self) -> bool:
        return False

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass


@pytest.mark.usefixtures("small_parts")
async def test_an_answer_of_many_parts_waits_between_them_and_nobody_else_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outbox, "PARTS_AT_ONCE", 5)
    monkeypatch.setattr(outbox, "PART_SECONDS", 3_600.0)
    sink = Sink()
    sender = outbox.Outbox(sink)
    sender.send([(1, [answered(b"x" * 100 * large.KB)])])
    for _ in range(50):
        await asyncio.sleep(0)
    assert len(sink.frames) == 5
    sender.send([(2, [answered(b"yes")])])
    assert b"yes" in sink.frames[-1]
    sender.send([(3, [answered(b"y" * 10 * large.KB)])])
    for _ in range(50):
        await asyncio.sleep(0)
    assert b"".join(sink.frames[6:]).count(b"y") == 10 * large.KB

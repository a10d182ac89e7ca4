"""Random frames, cut at random places: never a hang or a traceback, and the server still serves.

The client's side is `websockets`' own protocol, which judges every byte that comes back.
"""

import asyncio
import json
import random
from collections.abc import Iterator
from typing import Any

import msgpack
import pytest
from structlog.testing import capture_logs
from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, Protocol, State

from tests.gateway.gateway_kit import PLAYER, SERVICE
from tests.gateway.live.live_kit import JSON, MSGPACK, PATIENCE_SECONDS, Server, server
from tests.gateway.live.raw_kit import closing, frame, handshake, raw

MEMBERS = (
    "type",
    "command_id",
    "user_id",
    "users",
    "token",
    "after",
    "amount",
    "quest_id",
    "since",
)
WORDS = (
    *("watch", "unwatch", "token", "tick", "turn_in_quest", "acknowledge_level_ups"),
    *("grant_player_progression_experience", "alice", "bob", "", "é\U0001f409", "x" * 300, PLAYER),
    *("0.1", "1", "\x00"),
)


def anything(dice: random.Random, depth: int = 0) -> Any:
    """A value as a client might send it, more often than not an object."""
    kind = dice.randrange(12 if depth < 4 else 5)
    if kind < 5:
        numbers = (0, -1, 2**53, 2**63, 0.5, True, None)
        return dice.choice(numbers) if kind == 0 else dice.choice(WORDS)
    if kind < 7:
        return [anything(dice, depth + 1) for _ in range(dice.randrange(4))]
    names = dice.sample(MEMBERS, dice.randrange(5))
    return {"type": anything(dice, 4), **{name: anything(dice, depth + 1) for name in names}}


def content(dice: random.Random, form: str) -> bytes:
    """A message of this form, or something that is nearly one."""
    value = anything(dice)
    try:
        whole: bytes = json.dumps(value).encode() if form == JSON else msgpack.packb(value)
    except OverflowError:
        whole = b"\x80"
    if dice.random() < 0.1:
        at = dice.randrange(len(whole) + 1)
        whole = whole[:at] + dice.randbytes(3) + whole[at:]
    return whole


def frames(dice: random.Random, form: str) -> Iterator[bytes]:
    """What one client sends: mostly sound, until it is not."""
    usual = 1 if form == JSON else 2
    for _ in range(dice.randint(1, 12)):
        kind = dice.random()
        payload = content(dice, form)
        if kind < 0.6:
            yield frame(usual, payload)
        elif kind < 0.75:
            cut = dice.randrange(len(payload) + 1)
            yield frame(usual, payload[:cut], fin=False) + frame(9, b"p") + frame(0, payload[cut:])
        elif kind < 0.85:
            yield frame(dice.choice((9, 10)), dice.randbytes(dice.randrange(126)))
        elif kind < 0.9:
            yield closing(dice.randrange(900, 5_001), dice.randbytes(dice.randrange(9)))
        elif kind < 0.95:
            reserved, said = dice.randrange(8), dice.choice((None, None, 1 << dice.randrange(60)))
            fin, masked = dice.random() < 0.5, dice.random() < 0.9
            opcode = dice.randrange(16)
            yield frame(
                opcode, payload[:125], fin=fin, reserved=reserved, masked=masked, length=said
            )
        else:
            yield dice.randbytes(dice.randrange(1, 40))


async def a_client_that_sends(here: Server, dice: random.Random) -> None:
    """One connection from the handshake to its end."""
    form = dice.choice((JSON, MSGPACK))
    path, bearer = dice.choice(
        [("/v1/users/me/live", PLAYER), ("/v1/live", SERVICE), ("/v1/live?replies=brief", SERVICE)]
    )
    sent = b"".join(frames(dice, form))
    judge = Protocol(CLIENT, state=State.OPEN, max_size=None)
    async with raw(here) as client:
        client.send(handshake(path, bearer, form))
        assert (await client.answer()).status == 101
        while sent:
            piece = dice.randrange(1, 200)
            client.send(sent[:piece])
            sent = sent[piece:]
            if dice.random() < 0.3:
                await asyncio.sleep(0)
        client.send(closing(1000))
        client.writer.write_eof()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while data := await client.reader.read(65_536):
                judge.receive_data(data)
    assert judge.parser_exc is None or judge.close_rcvd is not None
    for event in judge.events_received():
        assert isinstance(event, Frame)
        if event.opcode is Opcode.TEXT:
            json.loads(event.data)
        elif event.opcode is Opcode.BINARY:
            msgpack.unpackb(event.data)
    if (close := judge.close_rcvd) is not None:
        assert close.code not in (4500, 4503), close


async def many_clients(seed: int, clients: int) -> None:
    """So many of them, some at a time."""
    dice = random.Random(seed)
    async with server() as here:
        with capture_logs() as logs:
            for _ in range(clients // 20):
                seeds = [dice.random() for _ in range(20)]
                await asyncio.gather(*(a_client_that_sends(here, random.Random(s)) for s in seeds))
            async with here.connect() as player:
                await player.hear_of("caught_up")
        assert not [line for line in logs if line["log_level"] in ("error", "critical")]


@pytest.fixture
def unhandled(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing was left for the event loop to complain about."""
    yield
    records = [each for when in ("call", "teardown") for each in caplog.get_records(when)]
    assert not [record for record in records if record.levelname == "ERROR"]


@pytest.mark.usefixtures("unhandled")
async def test_whatever_is_sent_is_answered_or_ended_in_words() -> None:
    await many_clients(seed=12, clients=300)


@pytest.mark.campaign
@pytest.mark.usefixtures("unhandled")
async def test_much_of_whatever_is_sent_is_answered_or_ended_in_words() -> None:
    await many_clients(seed=2026, clients=5_000)

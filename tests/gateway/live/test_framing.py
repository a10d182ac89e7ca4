"""RFC 6455 byte by byte, in the order of Autobahn's sections 1 to 7 and 10."""

import asyncio
import json
from collections.abc import Sequence

import pytest

from tests.gateway.gateway_kit import SERVICE
from tests.gateway.live.live_kit import JSON, MSGPACK, Server, grant, server
from tests.gateway.live.raw_kit import (
    BINARY,
    CLOSE,
    CONT,
    PING,
    PONG,
    TEXT,
    Heard,
    Raw,
    closing,
    frame,
    opened,
)

TICK = b'{"type":"tick"}'
LONG_TICK = TICK + b" " * 65_000


async def ends_with(here: Server, sent: bytes, protocol: str = JSON) -> int:
    """The code of the close that answers these bytes."""
    async with opened(here, protocol=protocol) as client:
        client.send(sent)
        code, _ = await client.closed()
        return code


async def ticks(client: Raw) -> None:
    """The next frame is the answer to a tick."""
    heard = await client.hear()
    assert heard is not None
    assert heard.opcode == TEXT
    assert heard.payload.startswith(b'{"type":"tick","now":')


LIKE_A_PONG = b"\x8a\x80\x00\x00\x00\x00"


async def test_six_bytes_like_a_pong_are_content_where_content_is_due() -> None:
    async with server() as here:
        head = frame(BINARY, b"123456")[:-6]
        async with opened(here, protocol=MSGPACK) as client:
            client.send(head)
            await asyncio.sleep(0.02)
            client.send(LIKE_A_PONG)
            assert (await client.closed())[0] in (1003, 4400)


async def test_pongs_alone_and_among_frames_cost_nobody_a_frame() -> None:
    async with server() as here, opened(here) as client:
        for cut in range(1, 6):
            client.send(frame(PONG))
            await asyncio.sleep(0.001)
            client.send(frame(PONG)[:cut])
            await asyncio.sleep(0.001)
            client.send(frame(PONG)[cut:] + frame(TEXT, TICK))
            await ticks(client)


# 1 (framing), 5 (fragmentation), 9 and 10 (sizes, cut anywhere)
MESSAGES: dict[str, Sequence[bytes]] = {
    "one frame": [frame(TEXT, TICK)],
    "126 bytes": [frame(TEXT, TICK.ljust(126))],
    "65,000 bytes": [frame(TEXT, LONG_TICK)],
    "65,536 bytes": [frame(TEXT, TICK.ljust(65_536))],
    "byte by byte": [bytes([byte]) for byte in frame(TEXT, TICK)],
    "two fragments": [frame(TEXT, TICK[:5], fin=False), frame(CONT, TICK[5:])],
    "a fragment for each byte": [
        frame(TEXT, fin=False),
        *(frame(CONT, bytes([byte]), fin=False) for byte in TICK),
        frame(CONT),
    ],
    "empty fragments": [
        frame(TEXT, TICK[:5], fin=False),
        *[frame(CONT, fin=False)] * 1_000,
        frame(CONT, TICK[5:]),
    ],
    "many fragments of a long one": [
        frame(TEXT, LONG_TICK[:997], fin=False),
        *(frame(CONT, LONG_TICK[at : at + 997], fin=False) for at in range(997, 65_000, 997)),
        frame(CONT),
    ],
    "a character in two fragments": [
        frame(TEXT, b'[{"type":"tick"}]'[:1] + TICK[:1], fin=False),
        frame(CONT, TICK[1:] + b"]"),
    ],
}


@pytest.mark.parametrize("pieces", MESSAGES.values(), ids=MESSAGES)
async def test_a_message_is_read_however_it_is_cut(pieces: Sequence[bytes]) -> None:
    async with server() as here, opened(here) as client:
        for piece in pieces:
            client.send(piece)
            await client.writer.drain()
        await ticks(client)


# 2 and 5.19: pings between fragments
async def test_pings_are_answered_with_what_they_say_also_between_fragments() -> None:
    async with server() as here, opened(here) as client:
        for payload in (b"", b"hello", bytes(range(125))):
            client.send(frame(PING, payload))
            assert await client.hear() == Heard(PONG, payload)
        client.send(
            frame(TEXT, TICK[:4], fin=False) + frame(PING, b"1") + frame(PONG, b"nobody asked")
        )
        client.send(frame(CONT, TICK[4:9], fin=False) + frame(PING, b"2") + frame(CONT, TICK[9:]))
        assert await client.hear() == Heard(PONG, b"1")
        assert await client.hear() == Heard(PONG, b"2")
        await ticks(client)
        for number in range(10):
            client.send(frame(PING, b"%d" % number))
        assert [await client.hear() for _ in range(10)] == [
            Heard(PONG, b"%d" % number) for number in range(10)
        ]


# 2.5, 3 (reserved bits), 4 (opcodes), 5 (order of fragments), 7 (closes), and sizes that lie
PROTOCOL_ERRORS: dict[str, bytes] = {
    "a ping of 126 bytes": frame(PING, b"x" * 126),
    "a ping in fragments": frame(PING, b"x", fin=False),
    "a pong in fragments": frame(PONG, b"x", fin=False),
    "a close in fragments": frame(CLOSE, b"\x03\xe8", fin=False),
    **{f"reserved bits {bits}": frame(TEXT, TICK, reserved=bits) for bits in range(1, 8)},
    "reserved bits of a ping": frame(PING, reserved=4),
    "reserved bits of a close": frame(CLOSE, reserved=7),
    **{f"opcode {code}": frame(code) for code in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    "opcode 3 with a payload": frame(3, TICK),
    "no mask": frame(TEXT, TICK, masked=False),
    "a continuation of nothing": frame(CONT, TICK),
    "a continuation of what has ended": frame(CONT, fin=False),
    "a new message among fragments": frame(TEXT, b"{", fin=False) + frame(TEXT, TICK),
    "a close of one byte": frame(CLOSE, b"\x03"),
    "a close of 126 bytes": closing(1000, b"x" * 124),
    **{
        f"a close of code {code}": closing(code)
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)
    },
}


async def test_every_protocol_error_is_told_by_1002() -> None:
    async with server() as here:
        for name, sent in PROTOCOL_ERRORS.items():
            assert (name, await ends_with(here, sent)) == (name, 1002)


# 6: UTF-8
BROKEN_TEXT: dict[str, bytes] = {
    "a stray continuation": b"\x80",
    "an overlong slash": b"\xc0\xaf",
    "an overlong zero": b"\xe0\x80\x80",
    "a surrogate": b"\xed\xa0\x80",
    "a pair of surrogates": b"\xed\xa0\x80\xed\xb0\x80",
    "beyond the last": b"\xf4\x90\x80\x80",
    "five bytes": b"\xf8\x88\x80\x80\x80",
    "a byte that is none": b"\xff",
    "a character that breaks off": b"\xce\xba\xe1\xbd",
    "a wrong one in the middle": "κόσμε".encode() + b"\xed\xa0\x80edited",
}


async def test_text_that_is_not_utf_8_is_told_by_1007() -> None:
    async with server() as here:
        for name, text in BROKEN_TEXT.items():
            content = b'"' + text + b'"'
            cut = frame(TEXT, content[:2], fin=False) + frame(CONT, content[2:])
            assert (name, await ends_with(here, frame(TEXT, content))) == (name, 1007)
            assert (name, await ends_with(here, cut)) == (name, 1007)
        assert await ends_with(here, closing(1000, b"\xce\xba\xe1")) == 1007


async def test_text_that_is_utf_8_is_read_wherever_it_is_cut() -> None:
    async with server() as here, opened(here) as client:
        for word in ("κόσμε", "\ue000\uffff", "\U0010ffff", "\ud7ff", "𝄞 é"):
            content = f'{{"type":"x","command_id":"{word}"}}'.encode()
            for cut in range(20, len(content)):
                client.send(frame(TEXT, content[:cut], fin=False) + frame(CONT, content[cut:]))
                heard = await client.hear()
                assert heard is not None
                assert b'"unknown_command"' in heard.payload
            heard.payload.decode()


# 7: closes
@pytest.mark.parametrize(
    "sent",
    [
        frame(TEXT, TICK[:3], fin=False) + closing(1000),
        closing(1000),
        closing(1000, "κόσμε".encode()),
        closing(1000, b"x" * 123),
    ],
)
async def test_a_close_is_answered_with_its_code(sent: bytes) -> None:
    async with server() as here:
        assert await ends_with(here, sent) == 1000


async def test_a_close_may_have_any_code_that_is_free() -> None:
    async with server() as here:
        for code in (1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1014, 3000, 3999, 4999):
            assert await ends_with(here, closing(code)) == code
        assert await ends_with(here, closing()) == 1005


async def test_nothing_behind_a_close_is_answered(caplog: pytest.LogCaptureFixture) -> None:
    behind = frame(PING, b"late") + frame(TEXT, TICK) + closing(1001) + frame(3) + b"\xff" * 99
    async with server() as here:
        for together in (True, False):
            async with opened(here) as client:
                client.send(closing(1000) + (behind if together else b""))
                if not together:
                    client.send(behind)
                assert await client.hear_all() == [Heard(CLOSE, b"\x03\xe8")]
    assert not [record for record in caplog.records if record.exc_info]


async def test_what_came_before_a_close_is_taken_and_what_comes_behind_our_close_is_not() -> None:
    async with server() as here:
        path = "/v1/users/alice/live"
        before, behind = (json.dumps(grant(name)).encode() for name in ("before", "behind"))
        async with opened(here, path, bearer=SERVICE) as client:
            client.send(frame(TEXT, before) + closing(1000))
            await client.hear_all()
        async with opened(here, path, bearer=SERVICE) as client:
            client.send(frame(TEXT, b"{}") + frame(TEXT, behind) + frame(PING))
            assert TEXT not in [heard.opcode for heard in await client.hear_all()]
        async with here.service(path) as line:
            await line.hear_of("caught_up")
            await line.send(grant("before"), grant("behind"))
            replies = [await line.hear_of("reply") for _ in range(2)]
            assert [reply["replayed"] for reply in replies] == [True, False]


# limits of ours: 1003 and 1009
async def test_the_other_kind_of_message_is_told_by_1003() -> None:
    async with server() as here:
        assert await ends_with(here, frame(BINARY, TICK)) == 1003
        assert await ends_with(here, frame(TEXT, TICK), MSGPACK) == 1003
        cut = frame(BINARY, TICK[:3], fin=False) + frame(CONT, TICK[3:])
        assert await ends_with(here, cut) == 1003


async def test_more_than_a_message_may_have_is_told_by_1009_before_it_has_come() -> None:
    async with server() as here:
        assert await ends_with(here, frame(TEXT, TICK.ljust(65_537))) == 1009
        assert await ends_with(here, frame(TEXT, b"", length=1 << 40)) == 1009
        half = b"[" + b" " * 40_000
        cut = frame(TEXT, half, fin=False) + frame(CONT, half)
        assert await ends_with(here, cut) == 1009

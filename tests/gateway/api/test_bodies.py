"""Bodies as anybody may send them: whatever comes, the answer is a refusal and never a 500."""

import asyncio
import json
from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.messages.commands import COMMAND_TYPES
from gateway.api.commands import endpoints
from gateway.http.messages import Request
from tests.gateway import gateway_kit
from tests.gateway.gateway_kit import ACKNOWLEDGE, BODY_BYTES_MAX, PLAYER, Gateway

MSGPACK = [("content-type", "application/msgpack")]

NOT_JSON = {
    "nothing": b"",
    "spaces": b"   ",
    "half an object": b'{"type": "turn_in',
    "something after it": b"{} {}",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "latin-1": b'{"type": "\xe9"}',
    "half a surrogate pair": b'{"type": "\\ud800"}',
    "NaN": b'{"amount": NaN}',
    "Infinity": b'{"amount": Infinity}',
    "a number beyond every float": b'{"amount": 1e400}',
    "an integer of 5,000 digits": b'{"amount": ' + b"9" * 5_000 + b"}",
    "nesting of 30,000": b"[" * 30_000 + b"]" * 30_000,
    "nesting of objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "single quotes": b"{'type': 'turn_in_quest'}",
    "a comment": b'{"a": 1 /* one */}',
    "a comma too many": b'{"a": 1,}',
    "NUL": b"\0",
    "a text": b'"turn_in_quest"',
    "null": b"null",
    "true": b"true",
    "msgpack": msgpack.packb(ACKNOWLEDGE),
}

NOT_MSGPACK = {
    "nothing": b"",
    "JSON": json.dumps(ACKNOWLEDGE).encode(),
    "something after it": msgpack.packb({}) + b"\0",
    "half a map": msgpack.packb(ACKNOWLEDGE)[:-1],
    "a byte of no type": b"\xc1",
    "an extension type": msgpack.packb({"amount": msgpack.ExtType(5, b"x")}),
    "an empty extension type": b"\x81\xa1a\xc7\x00\x05",
    "a timestamp": msgpack.packb({"amount": msgpack.Timestamp(1)}),
    "bytes": msgpack.packb({"command_id": b"k"}),
    "a number as a key": msgpack.packb({1: 2}),
    "bytes as a key": msgpack.packb({b"type": "turn_in_quest"}),
    "text that is not UTF-8": b"\x81\xa4type\xa2\xff\xfe",
    "a list that claims 4 billion": b"\xdd\xff\xff\xff\xff",
    "a map that claims 4 billion": b"\xdf\xff\xff\xff\xff",
    "a text that claims 4 GB": b"\xdb\xff\xff\xff\xff",
    "nesting of 60,000": b"\x91" * 60_000 + b"\x01",
    "a list of 20,000": msgpack.packb([1] * 20_000),
    "a number": b"\x05",
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON.keys())
async def test_what_is_no_json_command_is_a_malformed_body(gateway: Gateway, body: bytes) -> None:
    answer = await gateway.send(body, bearer=PLAYER)
    assert (answer.status, answer.code) == (400, "malformed_body")
    assert len(answer.content) < 1_000


@pytest.mark.parametrize("body", NOT_MSGPACK.values(), ids=NOT_MSGPACK.keys())
async def test_what_is_no_msgpack_command_is_a_malformed_body(
    gateway: Gateway, body: bytes
) -> None:
    answer = await gateway.send(body, bearer=PLAYER, headers=MSGPACK)
    assert (answer.status, answer.code) == (400, "malformed_body")


UNFIT: list[Any] = [
    {**ACKNOWLEDGE, "": 1},
    {**ACKNOWLEDGE, "command_id": float("inf")},
    {**ACKNOWLEDGE, "command_id": float("nan")},
    {**ACKNOWLEDGE, "command_id": 2**64 - 1},
    {**ACKNOWLEDGE, "command_id": -(2**63)},
    {**ACKNOWLEDGE, "command_id": b""},
    {**ACKNOWLEDGE, "command_id": ["k"]},
    {**ACKNOWLEDGE, b"": 1},
    {**ACKNOWLEDGE, "\x00\n\u2028🎲": "\x00"},
    {"type": "offer_quest", "command_id": "k", "quest_id": "q", "reward": {"items": {b"": 1}}},
    {"type": ["turn_in_quest"]},
    {"type": {}},
]


@pytest.mark.parametrize("value", UNFIT)
async def test_values_that_only_msgpack_has_are_wrong_fields(gateway: Gateway, value: Any) -> None:
    answer = await gateway.send(msgpack.packb(value), headers=MSGPACK)
    assert (answer.status, answer.code) == (422, "invalid_field")


async def test_of_two_fields_of_one_name_the_last_one_counts(gateway: Gateway) -> None:
    body = b'{"type": "make_me_rich", "command_id": "k", "type": "acknowledge_level_ups"}'
    assert (await gateway.send(body, bearer=PLAYER)).status == 200


async def test_a_body_that_is_declared_too_large_is_refused_unread(gateway: Gateway) -> None:
    declared = [("content-length", str(10 << 20))]
    answer = await gateway.send(b"", headers=declared, disconnect=True)
    assert (answer.status, answer.code) == (413, "body_too_large")
    assert answer.headers["connection"] == "close"
    huge = [("content-length", "9" * 5_000)]
    assert (await gateway.send(b"", headers=huge)).status == 413


async def test_a_body_without_end_is_cut_off_where_it_grows_too_large(gateway: Gateway) -> None:
    chunks = [b" " * 1_000] * 1_000
    answer = await gateway.request("POST", "/v1/users/alice/commands", body=chunks)
    assert (answer.status, answer.code) == (413, "body_too_large")


async def test_a_body_of_exactly_the_limit_is_read(gateway: Gateway) -> None:
    body = json.dumps(ACKNOWLEDGE).encode().ljust(BODY_BYTES_MAX)
    halves = [body[:100], b"", body[100:]]
    answer = await gateway.request("POST", "/v1/users/alice/commands", body=halves)
    assert answer.status == 200


async def test_a_packed_body_is_refused(gateway: Gateway) -> None:
    answer = await gateway.send(ACKNOWLEDGE, headers=[("content-encoding", "gzip")])
    assert (answer.status, answer.code) == (415, "unsupported_media_type")


async def test_a_body_that_does_not_arrive_in_time_is_refused(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "RECEIVE_SECONDS_MAX", 0.01)
    request = Request()
    request.method, request.path = "POST", b"/v1/users/alice/commands"
    request.headers = [(b"authorization", b"Bearer " + gateway_kit.SERVICE.encode())]
    response = await gateway.app.answer(request)
    assert response is not None
    assert response.status == 408
    assert json.loads(response.body)["code"] == "body_too_slow"


async def test_nobody_is_answered_who_left_before_the_end_of_the_body(gateway: Gateway) -> None:
    answer = await gateway.send(b"{", disconnect=True)
    assert answer.status == 0
    assert await gateway.app.wait_idle(1)


_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["alice", "q-1", "", ".", "a/b", *sorted(COMMAND_TYPES)])
)
_names = st.sampled_from(
    ["type", "command_id", "quest_id", "battle_id", "amount", "reward", "items", "hostile"]
) | st.text(max_size=8)
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_names, inner, max_size=6),
    max_leaves=20,
)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(value=_values, packed=st.booleans())
def test_any_value_is_answered_and_never_with_a_500(value: Any, packed: bool) -> None:
    _never_a_bug(msgpack.packb(value) if packed else json.dumps(value).encode(), packed)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(body=st.binary(max_size=200), packed=st.booleans())
def test_any_bytes_are_answered_and_never_with_a_500(body: bytes, packed: bool) -> None:
    _never_a_bug(body, packed)


_edits = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=4)
_command = {
    "type": "offer_quest",
    "command_id": "k",
    "quest_id": "q",
    "objectives": [{"kind": "defeat", "target": "wolf", "required": 3}],
    "reward": {"experience": 5, "items": {"sword": 1}},
}


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(edits=_edits, packed=st.booleans())
def test_a_command_with_bytes_changed_is_answered_and_never_with_a_500(
    edits: list[tuple[int, int]], packed: bool
) -> None:
    named = {**_command, "user_id": "alice"}
    for value in (_command, [named, named]):
        body = bytearray(msgpack.packb(value) if packed else json.dumps(value).encode())
        for place, byte in edits:
            body[place % len(body)] = byte
        _never_a_bug(bytes(body), packed)


def _never_a_bug(body: bytes, packed: bool) -> None:
    for answer in asyncio.run(_fresh_sends(body, MSGPACK if packed else [])):
        assert answer.status in (200, 400, 403, 404, 409, 422), answer


async def _fresh_sends(body: bytes, headers: Any) -> list[gateway_kit.Answer]:
    """The body as one user's commands, and as those of many."""
    gateway = gateway_kit.gateway(gateway_kit.a_local_cluster())
    return [
        await gateway.send(body, headers=headers),
        await gateway.request("POST", "/v1/commands", headers=headers, body=body),
    ]

"""Bytes on the wire and the values they mean, in JSON or msgpack.

`read_body` is the only way in.  It is strict: one value and nothing after it, no NaN, no infinity
in JSON, no msgpack extension types, no map keys but text, nesting and sizes bounded.  Where a name
stands twice in one object, the last one counts, as in every common JSON reader.

Not for: what the values mean (`commands.validation`).
"""

from collections.abc import Sequence
from typing import Any, Never

import msgpack
import orjson

from actors.messages import Media
from domain.wording import describe_value
from gateway.problems import Problem

CONTENT_TYPE = {Media.JSON: b"application/json", Media.MSGPACK: b"application/msgpack"}
PROBLEM_TYPE = {
    Media.JSON: b"application/problem+json",
    Media.MSGPACK: b"application/problem+msgpack",
}
ACCEPT_BYTES_MAX = 1024
"""Of an `Accept` header; what comes after it is not read."""
ENTRIES_MAX = 10_000
"""Most entries of one msgpack list or map: far above any command, far below what hurts."""

_BY_TYPE = {content_type: media for media, content_type in CONTENT_TYPE.items()}
_WILDCARDS = (b"application/*", b"*/*")
_JSON_SHAPES = {b"application/json", *_WILDCARDS}


def media_of_body(content_type: bytes | None, content_encoding: bytes | None) -> Media:
    """How the body is written.  A body of no declared type is read as JSON.

    Raises:
        Problem: `unsupported_media_type`.
    """
    if content_encoding is not None and content_encoding.strip().lower() != b"identity":
        raise Problem(
            "unsupported_media_type",
            f"Content-Encoding is {_header(content_encoding)}, expected a body that is not packed",
        )
    if content_type is None:
        return Media.JSON
    media = _BY_TYPE.get(content_type) or _BY_TYPE.get(
        content_type.partition(b";")[0].strip().lower()
    )
    if media is None:
        raise Problem(
            "unsupported_media_type",
            f"Content-Type is {_header(content_type)}, "
            "expected application/json or application/msgpack",
        )
    return media


def media_of_answer(accept: bytes | None) -> Media:
    """How the answer is written: msgpack for whoever prefers it, JSON for everyone else.

    Of the ranges that fit a format the closest counts (RFC 9110, 12.5.1), so `q=0` rules it out.
    Whoever takes neither gets JSON.
    """
    if accept is None or accept in _JSON_SHAPES:
        return Media.JSON
    if accept == b"application/msgpack":
        return Media.MSGPACK
    qualities: dict[bytes, float] = {}
    for choice in accept[:ACCEPT_BYTES_MAX].lower().split(b","):
        shape, *parameters = (part.strip() for part in choice.split(b";"))
        qualities[shape] = max(qualities.get(shape, 0.0), _quality(parameters))
    msgpack_quality, json_quality = (
        next((qualities[each] for each in (shape, *_WILDCARDS) if each in qualities), 0.0)
        for shape in (CONTENT_TYPE[Media.MSGPACK], CONTENT_TYPE[Media.JSON])
    )
    return Media.MSGPACK if msgpack_quality > json_quality else Media.JSON


def read_body(body: bytes, media: Media) -> Any:
    """The one value that `body` holds.

    Raises:
        Problem: `malformed_body`, with the reader's own words on what is wrong and where.
    """
    try:
        if media is Media.JSON:
            return orjson.loads(body)
        return msgpack.unpackb(
            body,
            raw=False,
            strict_map_key=True,
            max_array_len=ENTRIES_MAX,
            max_map_len=ENTRIES_MAX,
            max_bin_len=0,
            max_ext_len=0,
            ext_hook=_no_extension,
        )
    except (ValueError, RecursionError) as error:
        what = str(error) or "the nesting is too deep, or a byte is of no type"
        raise Problem("malformed_body", f"The body is not {_NAME[media]}: {what}") from None


def write(value: object, media: Media) -> bytes:
    """`value` as bytes."""
    if media is Media.JSON:
        return orjson.dumps(value)
    packed: bytes = msgpack.packb(value)
    return packed


def join(parts: Sequence[bytes], media: Media) -> bytes:
    """One list of values that are encoded already; none of them is opened."""
    # Parts may be megabytes together, so they are copied once.
    if media is Media.MSGPACK:
        return b"".join((_PACKER.pack_array_header(len(parts)), *parts))
    if not parts:
        return b"[]"
    framed = [*parts]
    framed[0] = b"[" + framed[0]
    framed[-1] += b"]"
    return b",".join(framed)


def with_first(body: bytes, members: dict[str, str], media: Media) -> bytes:
    """An object that is encoded already, with some members before its own; it is not opened."""
    if media is Media.JSON:
        separator = b"" if body == b"{}" else b","
        return orjson.dumps(members)[:-1] + separator + body[1:]
    entries, begin = _map_head(body)
    header: bytes = _PACKER.pack_map_header(entries + len(members))
    named: bytes = _PACKER.pack(members)[1:]  # behind a head of one byte: they are few
    return b"".join((header, named, memoryview(body)[begin:]))


_PACKER = msgpack.Packer()
_NAME = {Media.JSON: "JSON", Media.MSGPACK: "msgpack"}


def _map_head(body: bytes) -> tuple[int, int]:
    """How many entries a msgpack map has, and where the first begins."""
    kind = body[0]
    if kind & 0xF0 == 0x80:
        return kind & 0x0F, 1
    length = {0xDE: 2, 0xDF: 4}[kind]
    return int.from_bytes(body[1 : 1 + length], "big"), 1 + length


def _no_extension(code: int, content: bytes) -> Never:
    raise ValueError(f"extension type {code} has no place here")


def _header(value: bytes) -> str:
    return describe_value(value.decode("latin-1"))


def _quality(parameters: Sequence[bytes]) -> float:
    for parameter in parameters:
        if parameter.startswith(b"q="):
            try:
                return float(parameter[2:])
            except ValueError:
                return 0.0
    return 1.0

"""Getting a key set from whoever is at the address: it comes in time, or the reason is named."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.auth import jwks_fetch
from gateway.auth.authenticator import Authenticator
from gateway.auth.jwks import KeySet
from gateway.auth.jwks_fetch import JWKS_BYTES_MAX, JwksError, fetcher
from tests.gateway import gateway_kit

DOCUMENT = b'{"keys": []}'
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
WHOLE = HEAD + b"content-length: %d\r\n\r\n%b" % (len(DOCUMENT), DOCUMENT)


def redirect(target: bytes) -> bytes:
    return b"HTTP/1.1 302 Found\r\nlocation: %b\r\ncontent-length: 0\r\n\r\n" % target


@asynccontextmanager
async def provider(answer: bytes, pause: float = 0.0) -> AsyncIterator[str]:
    """A server that sends `answer`, a byte every `pause` seconds, to whoever connects."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            if not pause:
                writer.write(answer)
            for number in range(len(answer) if pause else 0):
                writer.write(answer[number : number + 1])
                await writer.drain()
                await asyncio.sleep(pause)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/keys"


async def test_a_document_is_fetched_whole() -> None:
    async with provider(WHOLE) as url:
        assert await fetcher(url)() == DOCUMENT
        assert await fetcher(url.replace("http://", "HTTP://"))() == DOCUMENT


HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "no HTTP": b"220 smtp.example ready\r\n",
    "TLS": b"\x15\x03\x03\x00\x02\x02\x28",
    "a status of words": b"HTTP/1.1 fine OK\r\n\r\n",
    "a header line of 100 kB": HEAD + b"x: " + b"y" * 100_000 + b"\r\n\r\n",
    "a thousand headers": HEAD + b"".join(b"x-%d: y\r\n" % n for n in range(1_000)) + b"\r\n",
    "half a head": HEAD[:20],
    "half a body": WHOLE[:-5],
    "a chunk cut off": HEAD + b"transfer-encoding: chunked\r\n\r\nff\r\n{",
    "a chunk of no size": HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\n",
    "two lengths": HEAD + b"content-length: 5\r\ncontent-length: 6\r\n\r\n{}{}{}",
    "a body too large": HEAD + b"\r\n" + b"x" * (JWKS_BYTES_MAX + 1),
    "an error": b"HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n",
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "a redirect to a file": redirect(b"file:///etc/passwd"),
    "a redirect elsewhere": redirect(b"http://127.0.0.1:1/"),
}


@pytest.mark.parametrize("answer", HOSTILE.values(), ids=HOSTILE.keys())
async def test_whatever_else_answers_is_named_as_the_reason(answer: bytes) -> None:
    async with provider(answer) as url:
        with pytest.raises(JwksError):
            await fetcher(url)()


@pytest.mark.parametrize(
    "answer",
    [WHOLE, HEAD + b"x: y\r\n" * 1_000, HEAD + b"\r\n" + b" " * 10_000],
    ids=["all of it", "heads", "body"],
)
async def test_a_provider_that_sends_a_byte_at_a_time_is_given_up_after_some_seconds(
    answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jwks_fetch, "FETCH_SECONDS_MAX", 0.1)
    async with provider(answer, pause=0.02) as url:
        with pytest.raises(JwksError, match=r"has not answered in full after 0\.1 s"):
            await fetcher(url)()


async def test_a_packed_document_is_not_unpacked() -> None:
    packed = gzip.compress(DOCUMENT)
    head = HEAD + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(packed)
    async with provider(head + packed) as url:
        assert await fetcher(url)() == packed


async def test_callers_with_unknown_keys_hear_503_while_the_provider_answers_nonsense() -> None:
    async with provider(b"220 smtp.example ready\r\n") as url:
        keys = KeySet(fetcher(url), ["RS256"])
        gateway = gateway_kit.gateway(authenticator=Authenticator(keys, ["RS256"]))
        answers = await asyncio.gather(*(gateway.get("/v1/rules") for _ in range(20)))
    assert {(answer.status, answer.code) for answer in answers} == {(503, "user_unavailable")}


async def test_a_key_file_is_read_and_a_missing_one_named(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(DOCUMENT)
    assert await fetcher(str(path))() == DOCUMENT
    with pytest.raises(JwksError, match=r"none\.json cannot be read"):
        await fetcher(str(tmp_path / "none.json"))()


async def test_a_url_where_nobody_answers_is_named() -> None:
    with pytest.raises(JwksError, match=r"http://127\.0\.0\.1:1/ does not answer"):
        await fetcher("http://127.0.0.1:1/")()

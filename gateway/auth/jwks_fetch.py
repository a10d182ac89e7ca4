"""Getting a JWKS document: from a file, or over HTTP with a deadline for all of it.

The provider is another's server: it may be slow, speak no HTTP, point elsewhere or send without
end.  Redirects are not followed, at most 1 MiB is read, and a packed body is not unpacked.

Not for: what is in the document (`jwks`).
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from domain.small_files import Unreadable, read_bytes

if TYPE_CHECKING:
    import aiohttp

FETCH_SECONDS_MAX = 5.0
"""For everything: name, connection, heads and body."""
JWKS_BYTES_MAX = 1 << 20

Fetch = Callable[[], Awaitable[bytes]]


class JwksError(Exception):
    """The key set cannot be used.  The message says what was found and what is expected."""


def fetcher(location: str) -> Fetch:
    """How to get the document at `location`, a path or an https:// URL."""
    if urlsplit(location).scheme in ("https", "http"):
        return partial(_fetch_url, location)
    return partial(asyncio.to_thread, _read_file, Path(location))


def _read_file(path: Path) -> bytes:
    try:
        return read_bytes(path, JWKS_BYTES_MAX)
    except Unreadable as error:
        raise JwksError(str(error)) from None


async def _fetch_url(url: str) -> bytes:
    # Only servers with an identity provider need it, and it takes 0.2 s.
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=FETCH_SECONDS_MAX)
    unpacked = {"accept-encoding": "identity"}
    try:
        async with (
            aiohttp.ClientSession(
                timeout=timeout, headers=unpacked, auto_decompress=False, trust_env=True
            ) as session,
            session.get(url, allow_redirects=False) as response,
        ):
            if response.status != 200:
                raise JwksError(f"{url} answers {response.status}, expected 200 and the key set")
            return await _body(response.content)
    except TimeoutError:
        raise JwksError(f"{url} has not answered in full after {FETCH_SECONDS_MAX:g} s") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise JwksError(f"{url} does not answer ({_reason(error)})") from None


async def _body(content: "aiohttp.StreamReader") -> bytes:
    body = bytearray()
    async for chunk in content.iter_chunked(64 * 1024):
        body += chunk
        if len(body) > JWKS_BYTES_MAX:
            raise JwksError(f"it has more than {JWKS_BYTES_MAX} bytes")
    return bytes(body)


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__

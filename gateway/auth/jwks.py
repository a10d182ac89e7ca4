"""Public keys of an identity provider, from a JWKS file or URL.

Keys count as fresh for 300 s.  Stale ones go on being used, for up to an hour, while the provider
does not answer.  An unknown key id makes one fetch, and at most one a minute, whoever asks.  The
fetch runs in a thread of its own, follows no redirect and reads at most 1 MiB.

Not for: symmetric secrets.  Keys of kind `oct` in a JWKS are ignored, and so is every key whose
algorithm the settings do not name.
"""

import asyncio
import json
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import structlog
from jwt import PyJWK, PyJWTError

from gateway.auth.authenticator import KeysUnavailable

FRESH_SECONDS = 300
STALE_SECONDS_MAX = 3600
FETCH_PAUSE_SECONDS = 60
FETCH_TIMEOUT_SECONDS = 5
JWKS_BYTES_MAX = 1 << 20


class JwksError(Exception):
    """The key set cannot be used.  The message says what was found and what is expected."""


class KeySet:
    """The keys of one JWKS, fetched when they are needed.

    Args:
        fetch: gives the document's bytes, or raises `JwksError`; runs in a thread.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        fetch: Callable[[], bytes],
        algorithms: Sequence[str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = structlog.get_logger("questkeep.jwks")
        self._fetch = fetch
        self._algorithms = frozenset(algorithms)
        self._clock = clock
        self._keys: list[PyJWK] = []
        self._fetched_at: float | None = None
        self._tried_at: float | None = None
        self._fetching: asyncio.Task[None] | None = None

    async def load(self) -> None:
        """Fetch now.  Raises `JwksError`; calling it is optional, it finds mistakes early."""
        self._tried_at = self._clock()
        self._keys = read_keys(await asyncio.to_thread(self._fetch), self._algorithms)
        self._fetched_at = self._clock()

    async def find(self, kid: str | None) -> PyJWK | None:
        """The key of this id, or the only one there is for a token that names none.

        Raises:
            KeysUnavailable: there are no keys, or only some from more than an hour ago.
        """
        age = self._age()
        if age > STALE_SECONDS_MAX:
            await self._refresh()
            if self._age() > STALE_SECONDS_MAX:
                raise KeysUnavailable("Tokens cannot be checked now: there is no key set")
        elif age > FRESH_SECONDS:
            self._start_refresh()
        found = self._pick(kid)
        if found is None and kid is not None:
            await self._refresh()
            found = self._pick(kid)
        return found

    def _age(self) -> float:
        return float("inf") if self._fetched_at is None else self._clock() - self._fetched_at

    def _pick(self, kid: str | None) -> PyJWK | None:
        if kid is None:
            return self._keys[0] if len(self._keys) == 1 else None
        return next((key for key in self._keys if key.key_id == kid), None)

    async def _refresh(self) -> None:
        task = self._start_refresh()
        if task is not None:
            await asyncio.shield(task)

    def _start_refresh(self) -> asyncio.Task[None] | None:
        """The fetch that is on its way, a new one, or None within a minute of the last."""
        if self._fetching is not None:
            return self._fetching
        if self._tried_at is not None and self._clock() - self._tried_at < FETCH_PAUSE_SECONDS:
            return None
        self._fetching = asyncio.create_task(self._try_load())
        return self._fetching

    async def _try_load(self) -> None:
        try:
            await self.load()
        except JwksError as error:
            self._log.error("the key set could not be fetched", reason=str(error))
        finally:
            self._fetching = None


def read_keys(document: bytes, algorithms: frozenset[str]) -> list[PyJWK]:
    """The usable keys of a JWKS.  Raises `JwksError` when there is none."""
    try:
        entries = json.loads(document)["keys"]
        keys = [_key(entry) for entry in entries if isinstance(entry, dict)]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise JwksError('it is not a JWKS, expected {"keys": [...]}') from None
    usable = [key for key in keys if key is not None and key.algorithm_name in algorithms]
    if not usable:
        raise JwksError(f"it holds no key for {', '.join(sorted(algorithms))}")
    return usable


def fetcher(location: str) -> Callable[[], bytes]:
    """How to get the document at `location`, a path or an https:// URL."""
    if location.startswith(("https://", "http://")):
        return lambda: _fetch_url(location)
    return lambda: _read_file(Path(location))


def _key(entry: dict[str, Any]) -> PyJWK | None:
    if entry.get("kty") == "oct" or entry.get("use", "sig") != "sig":
        return None
    try:
        return PyJWK(entry)
    except PyJWTError:
        return None


def _read_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(JWKS_BYTES_MAX)
    except OSError as error:
        raise JwksError(f"{path} cannot be read ({error.strerror})") from None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Keys come from where the settings say, not from where that place points."""

    def redirect_request(self, *_: Any) -> None:
        """Follow nothing; the redirect then counts as an error."""


def _fetch_url(url: str) -> bytes:
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(url, timeout=FETCH_TIMEOUT_SECONDS) as answer:
            body: bytes = answer.read(JWKS_BYTES_MAX)
            return body
    except (OSError, ValueError) as error:
        raise JwksError(f"{url} does not answer ({error})") from None

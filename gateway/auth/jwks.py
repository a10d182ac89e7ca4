"""Public keys of an identity provider, from a JWKS file or URL.

Keys count as fresh for 300 s.  Stale ones go on being used, for up to an hour, while the provider
does not answer.  An unknown key id makes one fetch, and at most one a minute, whoever asks; only so
many wait for it.  A key that the provider takes back counts until the next fetch, which begins with
the first token that comes more than 300 s after the last.

Not for: getting the document (`jwks_fetch`), or symmetric secrets.  Keys of kind "oct" in a JWKS
are ignored, and so is every key whose algorithm the settings do not name.
"""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from jwt import PyJWK

from gateway.auth.authenticator import KeysUnavailable
from gateway.auth.jwks_fetch import Fetch, JwksError

FRESH_SECONDS = 300
STALE_SECONDS_MAX = 3600
FETCH_PAUSE_SECONDS = 60
WAITING_MAX = 64
"""Requests that wait for one fetch; those beyond it are told to come back."""


class KeySet:
    """The keys of one JWKS, fetched when they are needed.

    Args:
        fetch: gives the document's bytes within some seconds, or raises `JwksError`.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        fetch: Fetch,
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
        self._waiting = 0

    async def load(self) -> None:
        """Fetch now.  Raises `JwksError`; calling it is optional, it finds mistakes early."""
        self._tried_at = self._clock()
        self._keys = read_keys(await self._fetch(), self._algorithms)
        self._fetched_at = self._clock()

    async def find(self, kid: str | None) -> PyJWK | None:
        """The key of this id, or the only one there is for a token that names none.

        Raises:
            KeysUnavailable: there are no keys, or only some from more than an hour ago; or too many
                wait for a fetch already.
        """
        age = self._age()
        if age > STALE_SECONDS_MAX:
            await self._refresh()
            if self._age() > STALE_SECONDS_MAX:
                raise KeysUnavailable("Tokens cannot be checked now: there is no key set")
        elif age > FRESH_SECONDS:
            self._start_refresh()
        key = self._pick(kid)
        if key is None and kid is not None:
            await self._refresh()
            key = self._pick(kid)
        return key

    def _age(self) -> float:
        return float("inf") if self._fetched_at is None else self._clock() - self._fetched_at

    def _pick(self, kid: str | None) -> PyJWK | None:
        if kid is None:
            return self._keys[0] if len(self._keys) == 1 else None
        return next((key for key in self._keys if key.key_id == kid), None)

    async def _refresh(self) -> None:
        task = self._start_refresh()
        if task is None:
            return
        if self._waiting >= WAITING_MAX:
            raise KeysUnavailable("Tokens cannot be checked now: keys are being fetched")
        self._waiting += 1
        try:
            await asyncio.shield(task)
        finally:
            self._waiting -= 1

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
    """The usable keys of a JWKS; the others are ignored (RFC 7517, 5).

    Raises:
        JwksError: it is no key set, or there is no usable key in it.
    """
    try:
        entries = json.loads(document)["keys"]
        keys = [_key(entry) for entry in entries if isinstance(entry, dict)]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise JwksError('it is not a JWKS, expected {"keys": [...]}') from None
    usable = [key for key in keys if key is not None and key.algorithm_name in algorithms]
    if not usable:
        raise JwksError(f"it holds no key for {', '.join(sorted(algorithms))}")
    return usable


def _key(entry: dict[str, Any]) -> PyJWK | None:
    if entry.get("kty") == "oct" or entry.get("use", "sig") != "sig":
        return None
    try:
        return PyJWK(entry)
    except Exception:  # of whatever kind: a key that cannot be read says nothing of the others
        return None

"""Admission: who gets in, how often, and how many are answered at once.

The order is part of the contract: room first, then the token, then how often its bearer calls; so
whoever is turned away costs little.

Not for: what a caller may do (`parameters`, the endpoints), or verifying tokens (`gateway.auth`).
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import Struct

from gateway.api.exchange import Exchange
from gateway.api.rate_limit import RateLimit
from gateway.api.retry_after import RetryAfterSpreader
from gateway.auth.authenticator import Authenticator, Caller, Role
from gateway.problems import Problem


class Limits(Struct, frozen=True):
    """What one gateway takes at most; a rate of 0 is no limit."""

    body_bytes_max: int
    requests_in_flight_max: int
    address_rate_max: float = 0.0
    player_rate_max: float = 0.0
    service_rate_max: float = 0.0


class Admission:
    """The door of one gateway.

    Attributes:
        closed: nothing new is begun.
        in_flight: requests that are being answered.
    """

    def __init__(self, authenticator: Authenticator, limits: Limits) -> None:
        self.closed = False
        self.in_flight = 0
        self._authenticator = authenticator
        self._in_flight_max = limits.requests_in_flight_max
        self._idle = asyncio.Event()
        self._idle.set()
        self._retry_after = RetryAfterSpreader()
        self._by_address = RateLimit(limits.address_rate_max)
        self._by_player = RateLimit(limits.player_rate_max)
        self._by_service = RateLimit(limits.service_rate_max)

    def check_room(self, address: str) -> None:
        """Return while there is room for a request from this address.

        Raises:
            Problem: `draining`, `too_many_requests` or `overloaded`.
        """
        if self.closed:
            detail = "The server is going down; nothing was executed"
            raise Problem("draining", detail, retry_after_ms=1_000)
        now = asyncio.get_running_loop().time()
        if wait_ms := self._by_address.wait_ms(address, now):
            detail = "More requests come from this address than it may send"
            raise Problem("too_many_requests", detail, retry_after_ms=wait_ms)
        if self.in_flight >= self._in_flight_max:
            detail = f"{self.in_flight} requests are being answered, which is all there is room for"
            raise Problem("overloaded", detail, retry_after_ms=self._retry_after.next_ms(now))

    async def caller(self, authorization: bytes | None) -> Caller:
        """Who holds the token of this header, unless they call too often.

        Raises:
            Problem: `unauthenticated`, `user_unavailable` or `too_many_requests`.
        """
        caller = await self.bearer(authorization)
        if (problem := self.too_often(caller)) is not None:
            raise problem
        return caller

    async def bearer(self, authorization: bytes | None) -> Caller:
        """Who holds the token of this header, however often they call.

        Raises:
            Problem: `unauthenticated` or `user_unavailable`.
        """
        return await self._authenticator.caller(authorization)

    async def admit(self, exchange: Exchange, authorization: bytes | None) -> Caller:
        """Who asks, by a token that need not stand in a header, while there is room.

        Raises:
            Problem: as `check_room` and `caller`.
        """
        self.check_room(exchange.address)
        with self.counted():
            return await self.caller(authorization)

    def too_often(self, caller: Caller, command_id: str | None = None) -> Problem | None:
        """Count a request of this caller, or say why it is one too many."""
        limit = self._by_player if caller.role is Role.PLAYER else self._by_service
        wait_ms = limit.wait_ms(caller.sub, asyncio.get_running_loop().time())
        if not wait_ms:
            return None
        return Problem(
            "too_many_requests",
            f"More requests come from {caller.role} {caller.sub} than one may send",
            command_id=command_id,
            retry_after_ms=wait_ms,
        )

    @contextmanager
    def counted(self) -> Iterator[None]:
        """While something is answered, which a stop waits for."""
        self.begin()
        try:
            yield
        finally:
            self.end()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """While a request waits for a change it takes no room from others."""
        self.end()
        try:
            yield
        finally:
            self.begin()

    async def wait_idle(self, seconds_max: float) -> bool:
        """Wait until no request is being answered; False when that takes too long."""
        try:
            async with asyncio.timeout(seconds_max):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    def begin(self) -> None:
        """Something is answered from now on: `counted` without its context, for every request."""
        self.in_flight += 1
        self._idle.clear()

    def end(self) -> None:
        """It is answered."""
        self.in_flight -= 1
        if self.in_flight == 0:
            self._idle.set()

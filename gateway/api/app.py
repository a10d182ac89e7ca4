"""The gateway as an application: every request goes through `App.answer`.

The order is part of the contract: path and method, room, token, then the endpoint's own checks.
Whatever an endpoint raises becomes a problem document; what nobody expected becomes `internal`
with an id that finds its traceback in the log, and tells the caller nothing else.

Not for: starting and stopping (`gateway.server`), or sockets (`gateway.http`).
"""

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from uuid import uuid4

import structlog
from msgspec import Struct

from actors.cluster.contract import UserDirectory
from gateway.api.api_routes import (
    changes_routes,
    command_routes,
    operations_routes,
    read_routes,
    rules_routes,
)
from gateway.api.changes.long_poll import ChangesEndpoint, Waits, wait_for_version
from gateway.api.commands.endpoints import CommandEndpoints
from gateway.api.docs.pages import docs_routes
from gateway.api.exchange import Exchange, refused
from gateway.api.rate_limit import RateLimit
from gateway.api.read_endpoints import ReadEndpoints
from gateway.api.retry_after import RetryAfterSpreader
from gateway.api.routes import Endpoint, Place, Route, Routes
from gateway.api.rules_endpoint import RulesEndpoint
from gateway.api.user_requests import UserRequests
from gateway.auth.authenticator import Authenticator, Caller, Keys, Role
from gateway.http.messages import Disconnected, Request, Response
from gateway.metrics.counters import Metrics
from gateway.metrics.prometheus import TEXT_TYPE, as_text
from gateway.problems import Problem
from gateway.settings import Settings

USERS_WITH_ROOM_MIN = 32
"""So many users can be asked for at least: none takes a larger share of all requests in flight."""

_NO_ROUTE = "(none)"
_CLIENT_GONE = 499


class Limits(Struct, frozen=True):
    """What one gateway takes at most; a rate of 0 is no limit."""

    body_bytes_max: int
    requests_in_flight_max: int
    address_rate_max: float = 0.0
    player_rate_max: float = 0.0
    service_rate_max: float = 0.0


class App:
    """One gateway's application: requests in, responses out.

    Attributes:
        ready: `/readyz` says so; set once everything behind the gateway has started.
        waits: requests that wait for a change.
        metrics_text: what `/metrics` answers: this gateway's, unless it is one of several.
        health: what stands behind the gateway and keeps users from being served; empty if nothing.
    """

    def __init__(
        self,
        directory: UserDirectory,
        authenticator: Authenticator,
        rules: RulesEndpoint,
        limits: Limits,
    ) -> None:
        self.ready = False
        self._draining = False
        self.metrics = Metrics(directory, lambda: self._in_flight)
        self.metrics_text = self._own_metrics_text
        self.health: Callable[[], Awaitable[str]] = _healthy
        self._log = structlog.get_logger("questkeep.http")
        # Asking the logger for each request costs more than most of a request's other steps.
        self._log_requests = self._log.is_enabled_for(logging.DEBUG)
        self._authenticator = authenticator
        self._limits = limits
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self.waits = Waits(self._waiting)
        self._retry_after = RetryAfterSpreader()
        self._by_address = RateLimit(limits.address_rate_max)
        self._by_player = RateLimit(limits.player_rate_max)
        self._by_service = RateLimit(limits.service_rate_max)
        room_of_one = max(1, limits.requests_in_flight_max // USERS_WITH_ROOM_MIN)
        users = UserRequests(directory, room_of_one)
        commands = CommandEndpoints(users, self.metrics, limits.body_bytes_max)
        reads = ReadEndpoints(users, partial(wait_for_version, directory, self.waits))
        api = [
            *command_routes(commands),
            *read_routes(reads),
            *changes_routes(ChangesEndpoint(directory, self.waits)),
            *rules_routes(rules),
            *operations_routes(self._healthz, self._readyz, self._metrics),
        ]
        self.routes = Routes([*api, *docs_routes(api)])

    @property
    def draining(self) -> bool:
        """Nothing new is begun."""
        return self._draining

    def drain(self) -> None:
        """Begin nothing new, and answer whoever waits for a change: the server goes down."""
        self._draining = True
        self.waits.over.set()

    async def answer(self, request: Request) -> Response | None:
        """What goes back; None when nobody waits for it any more."""
        started = time.perf_counter()
        method = request.method
        place, parameters = self.routes.match(request.path)
        template = _NO_ROUTE if place is None else place.template
        exchange = Exchange(request, parameters)
        try:
            response = await self._respond(method, place, exchange)
        except Disconnected:
            response = None
        status, code = (response.status, response.code) if response else (_CLIENT_GONE, "")
        seconds = time.perf_counter() - started
        # A made-up method is text from outside: it must not become a label.
        known = method if place is not None and status != 405 else "(other)"
        self.metrics.request(known, template, status, code, seconds)
        if self._log_requests:
            path = request.path.decode("utf-8", "replace")
            self._log.debug(
                "answered", method=method, path=path, status=status, code=code, seconds=seconds
            )
        return response

    async def wait_idle(self, seconds_max: float) -> bool:
        """Wait until no request is being answered; False when that takes too long."""
        try:
            async with asyncio.timeout(seconds_max):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    async def _respond(self, method: str, place: Place | None, exchange: Exchange) -> Response:
        try:
            route = _route(method, place)
            if not route.private:
                return await route.endpoint(exchange)
            return await self._private(route.endpoint, exchange)
        except Problem as problem:
            return refused(problem, exchange.answer)
        except Disconnected:
            raise
        except Exception:
            request_id = uuid4().hex
            template = _NO_ROUTE if place is None else place.template
            self._log.exception("a request failed", request_id=request_id, route=template)
            detail = "Something went wrong here; the operator finds it in the log by request_id"
            return refused(Problem("internal", detail, request_id=request_id), exchange.answer)

    async def _private(self, endpoint: Endpoint, exchange: Exchange) -> Response:
        """Run an endpoint for a verified caller, while there is room.

        Both checks come before anything that costs.
        """
        if self.draining:
            detail = "The server is going down; nothing was executed"
            raise Problem("draining", detail, retry_after_ms=1_000)
        self._check_address(exchange.address)
        if self._in_flight >= self._limits.requests_in_flight_max:
            detail = (
                f"{self._in_flight} requests are being answered, which is all there is room for"
            )
            wait_ms = self._retry_after.next_ms(asyncio.get_running_loop().time())
            raise Problem("overloaded", detail, retry_after_ms=wait_ms)
        self._begin()
        try:
            exchange.caller = await self._authenticator.caller(exchange.authorization())
            self._check_rate(exchange.caller)
            return await endpoint(exchange)
        finally:
            self._end()

    def _begin(self) -> None:
        self._in_flight += 1
        self._idle.clear()

    def _end(self) -> None:
        self._in_flight -= 1
        if self._in_flight == 0:
            self._idle.set()

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        """While a request waits for a change it takes no room from others."""
        self._end()
        try:
            yield
        finally:
            self._begin()

    def _check_address(self, address: str) -> None:
        """Count a request of whoever calls from there, before their token is looked at.

        Raises:
            Problem: `too_many_requests`.
        """
        wait_ms = self._by_address.wait_ms(address, asyncio.get_running_loop().time())
        if wait_ms:
            detail = "More requests come from this address than it may send"
            raise Problem("too_many_requests", detail, retry_after_ms=wait_ms)

    def _check_rate(self, caller: Caller) -> None:
        """The same for a caller, by name."""
        limit = self._by_player if caller.role is Role.PLAYER else self._by_service
        wait_ms = limit.wait_ms(caller.sub, asyncio.get_running_loop().time())
        if wait_ms:
            detail = f"More requests come from {caller.role} {caller.sub} than one may send"
            raise Problem("too_many_requests", detail, retry_after_ms=wait_ms)

    async def _healthz(self, exchange: Exchange) -> Response:
        return Response(200, b"application/json", b'{"status":"up"}')

    async def _readyz(self, exchange: Exchange) -> Response:
        if self.draining:
            raise Problem("draining", "The server is going down", retry_after_ms=1_000)
        if not self.ready:
            raise Problem("user_unavailable", "The server is starting", retry_after_ms=1_000)
        if problem := await self.health():
            detail = f"Users are not served: {problem}"
            raise Problem("user_unavailable", detail, retry_after_ms=1_000)
        return Response(200, b"application/json", b'{"status":"ready"}')

    async def _metrics(self, exchange: Exchange) -> Response:
        return Response(200, TEXT_TYPE, await self.metrics_text())

    async def _own_metrics_text(self) -> bytes:
        """The metrics of this gateway alone."""
        return as_text(self.metrics.snapshot(), {1: os.getpid()})


async def _healthy() -> str:
    return ""


def make_app(settings: Settings, keys: Keys, directory: UserDirectory, rules: RulesEndpoint) -> App:
    """The application of one gateway: the same way in every process that answers on the port."""
    # Each gateway takes its share of what the machine may.
    in_flight_max = -(-settings.requests_in_flight_max // settings.gateways)
    authenticator = Authenticator(keys, settings.jwt_algorithms)
    limits = Limits(
        settings.body_bytes_max,
        in_flight_max,
        settings.address_rate_max,
        settings.player_rate_max,
        settings.service_rate_max,
    )
    return App(directory, authenticator, rules, limits)


def _route(method: str, place: Place | None) -> Route:
    if place is None:
        raise Problem("not_found", "Nothing is at this path; /docs lists what there is")
    route = place.route(method)
    if route is None:
        detail = f"This path takes {place.allow.decode()}"
        raise Problem("method_not_allowed", detail, headers=[(b"allow", place.allow)])
    return route

"""The gateway as an application: every request goes through `App.answer`.

The order is part of the contract: path and method, room, token, then the endpoint's own checks.
Whatever an endpoint raises becomes a problem document; what nobody expected becomes `internal`
with an id that finds its traceback in the log, and tells the caller nothing else.

Not for: starting and stopping (`gateway.server`), or sockets (`gateway.http`).
"""

import logging
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from uuid import uuid4

import structlog

from actors.cluster.contract import UserDirectory
from actors.messages import Media
from gateway.api.admission import Admission, Limits
from gateway.api.api_routes import (
    changes_routes,
    cluster_routes,
    command_routes,
    operations_routes,
    read_routes,
    rules_routes,
)
from gateway.api.changes.long_poll import ChangesEndpoint, Waits, wait_for_version
from gateway.api.commands.endpoints import CommandEndpoints
from gateway.api.cross_origin import CrossOrigin
from gateway.api.docs.pages import docs_routes
from gateway.api.exchange import Exchange, refused
from gateway.api.media import write
from gateway.api.operations.cluster_endpoint import ClusterEndpoint
from gateway.api.read_endpoints import ReadEndpoints
from gateway.api.routes import Endpoint, Place, Route, Routes
from gateway.api.rules_endpoint import RulesEndpoint
from gateway.api.user_requests import UserRequests
from gateway.auth.authenticator import Authenticator
from gateway.http.messages import Disconnected, Request, Response, Upgraded
from gateway.metrics.counters import Metrics
from gateway.metrics.prometheus import TEXT_TYPE, as_text
from gateway.problems import Problem

USERS_WITH_ROOM_MIN = 32
"""So many users can be asked for at least: none takes a larger share of all requests in flight."""

_NO_ROUTE = "(none)"
_CLIENT_GONE = 499
_SWITCHING = 101


class App:
    """One gateway's application: requests in, responses out.

    Attributes:
        ready: `/readyz` says so; set once everything behind the gateway has started.
        cross_origin: which pages may call.
        admission: who gets in, and how many at once.
        cluster: what operators are told of the cluster; it is to be given one to look at.
        users: the way to users' actors.
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
        cross_origin: CrossOrigin,
    ) -> None:
        self.ready = False
        self.cross_origin = cross_origin
        self.admission = Admission(authenticator, limits)
        self.metrics = Metrics(directory, lambda: self.admission.in_flight)
        self.metrics_text = self._own_metrics_text
        self.health: Callable[[], Awaitable[str]] = _healthy
        self._log = structlog.get_logger("questkeep.http")
        # Asking the logger for each request costs more than most of a request's other steps.
        self._log_requests = self._log.is_enabled_for(logging.DEBUG)
        self.waits = Waits(self.admission.waiting)
        room_of_one = max(1, limits.requests_in_flight_max // USERS_WITH_ROOM_MIN)
        users = UserRequests(directory, room_of_one)
        commands = CommandEndpoints(users, self.metrics, limits.body_bytes_max)
        reads = ReadEndpoints(users, partial(wait_for_version, directory, self.waits))
        self.users = users
        self.cluster = ClusterEndpoint()
        self._drained: Callable[[], None] = _nothing
        self._api = [
            *command_routes(commands),
            *read_routes(reads),
            *changes_routes(ChangesEndpoint(directory, self.waits, self.metrics)),
            *rules_routes(rules),
            *cluster_routes(self.cluster),
            *operations_routes(self._healthz, self._readyz, self._metrics),
        ]
        self.routes = Routes([*self._api, *docs_routes(self._api)])

    def extend(self, routes: Sequence[Route], drained: Callable[[], None]) -> None:
        """Serve these, too; `drained` is called when nothing new is to be begun."""
        self._api += routes
        self._drained = drained
        self.routes = Routes([*self._api, *docs_routes(self._api)])

    @property
    def draining(self) -> bool:
        """Nothing new is begun."""
        return self.admission.closed

    def drain(self) -> None:
        """Begin nothing new, and answer whoever waits for a change: the server goes down."""
        self.admission.closed = True
        self.waits.over.set()
        self._drained()

    async def answer(self, request: Request) -> Response | Upgraded | None:
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
        if isinstance(response, Response) and b"origin" in exchange.headers:
            response = self.cross_origin.shown(response, exchange.headers)
        status, code = _status_of(response)
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
        """See `Admission.wait_idle`."""
        return await self.admission.wait_idle(seconds_max)

    async def _respond(
        self, method: str, place: Place | None, exchange: Exchange
    ) -> Response | Upgraded:
        try:
            preflight = self.cross_origin.preflight(method, exchange.headers)
            if preflight is not None:
                return preflight
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

    async def _private(self, endpoint: Endpoint, exchange: Exchange) -> Response | Upgraded:
        """Run an endpoint for a verified caller, while there is room."""
        admission = self.admission
        admission.check_room(exchange.address)
        admission.begin()
        try:
            exchange.caller = await admission.caller(exchange.authorization())
            return await endpoint(exchange)
        finally:
            admission.end()

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
        body: dict[str, object] = {"status": "ready"}
        if away := await self.cluster.hosts_away():
            body["hosts_away"] = away
        return Response(200, b"application/json", write(body, Media.JSON))

    async def _metrics(self, exchange: Exchange) -> Response:
        return Response(200, TEXT_TYPE, await self.metrics_text())

    async def _own_metrics_text(self) -> bytes:
        """The metrics of this gateway alone."""
        return as_text(self.metrics.snapshot(), {1: os.getpid()})


async def _healthy() -> str:
    return ""


def _nothing() -> None:
    """Nobody else is to be told."""


def _status_of(response: Response | Upgraded | None) -> tuple[int, str]:
    if response is None:
        return _CLIENT_GONE, ""
    if isinstance(response, Upgraded):
        return _SWITCHING, ""
    return response.status, response.code


def _route(method: str, place: Place | None) -> Route:
    if place is None:
        raise Problem("not_found", "Nothing is at this path; /docs lists what there is")
    route = place.route(method)
    if route is None:
        detail = f"This path takes {place.allow.decode()}"
        raise Problem("method_not_allowed", detail, headers=[(b"allow", place.allow)])
    return route

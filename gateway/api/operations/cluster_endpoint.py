"""The cluster, as those see it who operate it: `GET /v1/operations/cluster`, and where a user is.

Not for: what is seen (`actors.monitoring`), or metrics (`gateway.metrics`).
"""

from typing import Any, Protocol

import msgspec

from actors.cluster.contract import Cluster
from actors.errors import CannotScale, ClusterError
from actors.monitoring.cluster_status import ClusterStatus, HostState, UserPlace
from gateway.api.exchange import Exchange, answered
from gateway.api.media import write
from gateway.api.parameters import query_of, user_of, whole_number
from gateway.auth.authenticator import Role
from gateway.http.messages import Response
from gateway.problems import FieldError, Problem

SCALE_QUERY = (whole_number("hosts", 1, 1_024, "How many hosts there are to be."),)


class ClusterView(Protocol):
    """The cluster behind a gateway, whichever process started it."""

    async def status(self) -> ClusterStatus:
        """See `Cluster.status`."""
        ...

    async def host_name(self, user_id: str) -> str:
        """See `Cluster.host_name`."""
        ...

    async def scale(self, hosts: int) -> None:
        """See `Cluster.scale`."""
        ...


class OwnCluster:
    """The cluster that this process started."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def status(self) -> ClusterStatus:
        """See `ClusterView`."""
        return self._cluster.status()

    async def host_name(self, user_id: str) -> str:
        """See `ClusterView`."""
        return self._cluster.host_name(user_id)

    async def scale(self, hosts: int) -> None:
        """See `ClusterView`."""
        await self._cluster.scale(hosts)


class ClusterEndpoint:
    """Answers services and operators.

    Attributes:
        view: set once there is a cluster.
    """

    def __init__(self) -> None:
        self.view: ClusterView | None = None

    async def get(self, exchange: Exchange) -> Response:
        """`GET /v1/operations/cluster`."""
        _refuse_players(exchange)
        return _answer(exchange, await self._view().status())

    async def get_user(self, exchange: Exchange) -> Response:
        """`GET /v1/operations/cluster/users/{user_id}`: also of one who is in no memory now."""
        user_id = user_of(exchange)
        _refuse_players(exchange)
        view = self._view()
        name = await view.host_name(user_id)
        hosts = {host.name: host for host in (await view.status()).hosts}
        if name not in hosts:
            raise Problem("user_unavailable", f"{name} does not run now", retry_after_ms=1_000)
        return _answer(exchange, UserPlace(user_id, hosts[name]))

    async def post_scale(self, exchange: Exchange) -> Response:
        """`POST /v1/operations/cluster/scale`, for operators; answers when it is done."""
        if exchange.caller.role is not Role.OPERATOR:
            detail = f"The role is {exchange.caller.role}, expected {Role.OPERATOR}"
            raise Problem("not_allowed", detail)
        hosts = query_of(exchange, SCALE_QUERY).get("hosts")
        if hosts is None:
            raise _cannot_scale("nothing", SCALE_QUERY[0].expected)
        view = self._view()
        try:
            await view.scale(hosts)
        except CannotScale as error:
            raise _cannot_scale(str(hosts), str(error)) from None
        except ClusterError as error:
            raise Problem("user_unavailable", str(error), retry_after_ms=1_000) from None
        return _answer(exchange, await view.status())

    async def hosts_away(self) -> list[dict[str, Any]]:
        """The hosts whose users are not served now."""
        if self.view is None:
            return []
        hosts = (await self.view.status()).hosts
        return [
            {"host": host.name, "state": host.state, "seconds": host.seconds, "reason": host.reason}
            for host in hosts
            if host.state is not HostState.OPEN
        ]

    def _view(self) -> ClusterView:
        if self.view is None:
            raise Problem("user_unavailable", "The server is starting", retry_after_ms=1_000)
        return self.view


def _cannot_scale(came: str, expected: str) -> Problem:
    error = FieldError("hosts", came, expected)
    return Problem("invalid_field", f"hosts is {came}: {expected}", errors=[error])


def _refuse_players(exchange: Exchange) -> None:
    if exchange.caller.role is Role.PLAYER:
        detail = f"The role is {exchange.caller.role}, expected {Role.SERVICE} or {Role.OPERATOR}"
        raise Problem("not_allowed", detail)


def _answer(exchange: Exchange, content: object) -> Response:
    return answered(write(msgspec.to_builtins(content), exchange.answer), exchange.answer)

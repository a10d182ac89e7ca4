"""Requests of one user on their way to the user's actor: counted, asked, and failures put in words.

Not for: how a request finds its user (`actors.cluster`).
"""

from collections.abc import Hashable, Sequence

from actors.cluster.contract import UserDirectory
from actors.errors import DeliveryError
from actors.messages import Reply, Request
from gateway.problems import Problem, undelivered

RETRY_AFTER_MS = 1_000


class UserRequests:
    """Asks users' actors, within each user's share of the gateway.

    Args:
        requests_max: requests of one user that are being answered at once; one more is refused, so
            that whoever floods the gateway with one user's requests leaves room for the others.
    """

    def __init__(self, directory: UserDirectory, requests_max: int) -> None:
        self._directory = directory
        self._requests_max = requests_max
        self._in_flight: dict[str, int] = {}

    def check_share(self, user_id: str, command_id: str | None = None) -> None:
        """Return if this user has room for one more request.

        Raises:
            Problem: `too_many_requests`.
        """
        in_flight = self._in_flight.get(user_id, 0)
        if in_flight >= self._requests_max:
            raise Problem(
                "too_many_requests",
                f"{in_flight} requests of this user are being answered, which is one user's share",
                command_id=command_id,
                retry_after_ms=RETRY_AFTER_MS,
            )

    def host_of(self, user_id: str) -> Hashable:
        """See `UserDirectory.host_of`."""
        return self._directory.host_of(user_id)

    async def ask_host(self, requests: Sequence[Request]) -> list[Reply]:
        """The replies to requests of one host's users, in order, whatever their shares.

        Raises:
            Problem: what a `DeliveryError` stands for.
        """
        try:
            return await self._directory.ask(requests)
        except DeliveryError as error:
            raise undelivered(error) from error

    async def ask(self, requests: Sequence[Request], command_id: str | None = None) -> list[Reply]:
        """The replies to requests of one user, in order.

        Raises:
            Problem: `too_many_requests`, or what a `DeliveryError` stands for; with `command_id`.
        """
        user_id = requests[0].user_id
        self.check_share(user_id, command_id)
        self._in_flight[user_id] = self._in_flight.get(user_id, 0) + 1
        try:
            return await self._directory.ask(requests)
        except DeliveryError as error:
            raise undelivered(error, command_id) from error
        finally:
            in_flight = self._in_flight[user_id] - 1
            if in_flight:
                self._in_flight[user_id] = in_flight
            else:
                del self._in_flight[user_id]

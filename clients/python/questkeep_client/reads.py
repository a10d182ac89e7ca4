"""Reads over HTTP: what needs no live connection."""

from collections.abc import Callable
from typing import Any

import httpx
import msgspec

from questkeep_client.protocol.mirror import Position
from questkeep_client.protocol.problems import Problem
from questkeep_client.protocol.session import Frame

_MSGPACK = "application/msgpack"
_TIMEOUT_SECONDS = 40.0
"""Above the 30 s that the server lets a long poll wait."""


class Reads:
    """The reads of the API that clients need beside the live connection."""

    def __init__(self, url: str, token: Callable[[], str]) -> None:
        self._token = token
        self._http = httpx.AsyncClient(base_url=url, timeout=_TIMEOUT_SECONDS)

    async def user(self, user_id: str, min_version: int = 0) -> dict[str, Any]:
        """Everything a user owns, at `min_version` or later.

        Raises:
            Problem: refused, or `outcome_unknown`: the version did not come within 2 s.
            httpx.TransportError: the server could not be reached.
        """
        query = {"min_version": min_version} if min_version else {}
        body: dict[str, Any] = await self._get(f"/v1/users/{user_id}", query)
        return body

    async def changes(self, user_id: str, after: Position, wait_ms: int = 0) -> list[Frame]:
        """The frames of a resume: what was missed since `after`, or the whole state."""
        query = {"after": str(after), "wait_ms": wait_ms}
        body: list[Frame] = await self._get(f"/v1/users/{user_id}/changes", query)
        return body

    async def close(self) -> None:
        await self._http.aclose()

    async def _get(self, path: str, query: dict[str, Any]) -> Any:
        headers = {"Authorization": f"Bearer {self._token()}", "Accept": _MSGPACK}
        response = await self._http.get(path, params=query, headers=headers)
        body = msgspec.msgpack.decode(response.content)
        if response.status_code != httpx.codes.OK:
            raise Problem(body)
        return body

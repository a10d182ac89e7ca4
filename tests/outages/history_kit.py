"""The store's history of a user: every grant, with the command that made it."""

from typing import NamedTuple

import httpx


class Grant(NamedTuple):
    """One entry of a user's history."""

    version: int
    command_id: str
    amount: int


async def grants_of(url: str, token: str, user_id: str) -> list[Grant]:
    """Every grant that the user ever got, oldest first."""
    grants: list[Grant] = []
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60) as http:
        after: int | None = 0
        while after is not None:
            page = (await http.get(f"/v1/users/{user_id}/history?after={after}")).json()
            grants += [
                Grant(entry["version"], entry["command_id"], entry["amount"])
                for entry in page["history"]
            ]
            after = page.get("next_after")
    return grants

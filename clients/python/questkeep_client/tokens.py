"""Where tokens come from, and what one says about its bearer."""

import base64
import inspect
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

TokenSource = str | Callable[[], str | Awaitable[str]]
"""A token, or a function that gets a fresh one whenever it is called (it may be a coroutine)."""


@dataclass(frozen=True, slots=True)
class Token:
    """One JWT as it was given; nothing is verified here, the server does that."""

    text: str

    @property
    def is_for_many(self) -> bool:
        """Whether its bearer reaches every user: a service or an operator."""
        return self._claims().get("role") in ("service", "operator")

    def _claims(self) -> dict[str, object]:
        payload = self.text.split(".")[1] if self.text.count(".") == 2 else ""
        try:
            claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        except ValueError:
            return {}
        return claims if isinstance(claims, dict) else {}


async def fetch_token(source: TokenSource) -> Token:
    """Ask the source for a token."""
    text = source() if callable(source) else source
    return Token(await text if inspect.isawaitable(text) else text)

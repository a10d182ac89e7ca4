"""The rules that a gateway shows, and how an operator asks for others: the same at every gateway.

Not for: reading a rules file and handing it on (`rules_reload`).
"""

from abc import ABC, abstractmethod

from msgspec import Struct
from msgspec.structs import asdict

from actors.messages import Media
from domain.rules.compiled_rules import InvalidRules, Rules
from domain.rules.document import rules_document
from gateway.api.exchange import Exchange, answered
from gateway.api.media import write
from gateway.auth.authenticator import Role
from gateway.http.messages import Response
from gateway.problems import Problem
from gateway.settings import WrongSettings


class Reloaded(Struct):
    """The rules before and after; the answer to whoever asked for it."""

    name: str
    fingerprint: str
    fingerprint_before: str
    changed: bool
    level_cap: int


def what_changed(before: Rules, after: Rules) -> Reloaded:
    """The difference, as told to whoever asked."""
    changed = after.fingerprint != before.fingerprint
    return Reloaded(after.name, after.fingerprint, before.fingerprint, changed, after.level_cap)


class RulesEndpoint(ABC):
    """The rules in force, as this gateway shows them."""

    def __init__(self, rules: Rules) -> None:
        self.show(rules)

    @abstractmethod
    async def reload(self, asked_by: str) -> Reloaded:
        """Have the rules file read, checked, and handed to every host and every gateway.

        Raises:
            InvalidRules, WrongSettings: nothing changed; each problem is one sentence.
        """

    def show(self, rules: Rules) -> None:
        """Show these.  Encoded once: everybody gets the same until the next change."""
        document = rules_document(rules)
        self.rules = rules
        self._bodies = {media: write(document, media) for media in Media}

    async def get(self, exchange: Exchange) -> Response:
        """`GET /v1/rules`."""
        return answered(self._bodies[exchange.answer], exchange.answer)

    async def post_reload(self, exchange: Exchange) -> Response:
        """`POST /v1/operations/rules/reload`, for operators."""
        if exchange.caller.role is not Role.OPERATOR:
            detail = f"The role is {exchange.caller.role}, expected {Role.OPERATOR}"
            raise Problem("not_allowed", detail)
        try:
            reloaded = await self.reload(exchange.caller.sub)
        except (InvalidRules, WrongSettings) as error:
            count = len(error.problems)
            detail = f"Nothing changed: {count} problem{'s' if count > 1 else ''} in the rules file"
            raise Problem("invalid_rules", detail, problems=error.problems) from None
        return answered(write(asdict(reloaded), exchange.answer), exchange.answer)

"""The rules in force in one host, compiled once, shared by all its users, changed for all at once.

A turn reads them once and nothing interrupts it, so each command is decided by the old rules or by
the new, never by both; the history entry of a grant tells which (the fingerprint).

Not for: reading rules files or checking them first (the gateway does).
"""

import structlog

from domain.decide.limits import Limits
from domain.rules.compiled_rules import Rules, compile_rules

log = structlog.get_logger(__name__)


class RulesInForce:
    """What `rules` are now, and the `limits` of what one user may own, which do not change.

    Raises:
        InvalidRules: the text is none; `change` leaves the rules as they were.
    """

    def __init__(self, text: str, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._text = text
        self.rules: Rules = compile_rules(text)

    def change(self, text: str) -> None:
        """From the next turn on, these.  The same text again costs nothing."""
        if text == self._text:
            return
        before, self.rules = self.rules, compile_rules(text)
        self._text = text
        log.info("rules changed", before=before.fingerprint, after=self.rules.fingerprint)

"""The rules that a server shows and hands to its hosts, read again on request while it runs.

`GET /v1/rules` shows them; `POST /v1/operations/rules/reload` and SIGHUP read the rules file anew.
A file that is broken changes nothing and says everything that is wrong with it.

Not for: what a host does with new rules (`actors.rules_in_force`), or a user's rows under them:
only `rebase_progression` reads those again.
"""

import asyncio
import signal
from collections.abc import Callable
from typing import Any, NamedTuple

import structlog

from actors.cluster import Cluster
from actors.envelope import Media
from domain.rules import InvalidRules, Rules, compile_rules
from gateway.auth import Role
from gateway.errors import Problem
from gateway.http import Exchange, Response, answered
from gateway.rules_page import rules_document
from gateway.settings import WrongSettings
from gateway.wire import write

log = structlog.get_logger("questkeep.rules")

ReadRules = Callable[[], str]
"""The rules file's text as it is now; raises `WrongSettings` when it cannot be read."""


class Reloaded(NamedTuple):
    """The rules before and after."""

    before: Rules
    after: Rules

    def document(self) -> dict[str, Any]:
        """The answer to whoever asked for it."""
        return {
            "name": self.after.name,
            "fingerprint": self.after.fingerprint,
            "fingerprint_before": self.before.fingerprint,
            "changed": self.after.fingerprint != self.before.fingerprint,
            "level_cap": self.after.level_cap,
        }


class ServedRules:
    """The rules in force behind `cluster`, read by `read` when they are to change."""

    def __init__(self, rules: Rules, cluster: Cluster, read: ReadRules) -> None:
        self._cluster = cluster
        self._read = read
        self._one_at_a_time = asyncio.Lock()
        self._show(rules)

    async def reload(self, asked_by: str) -> Reloaded:
        """Read the file, check it, and hand it to every host.

        Raises:
            InvalidRules, WrongSettings: nothing changed; each problem is one sentence.
        """
        async with self._one_at_a_time:
            text = await asyncio.to_thread(self._read)
            rules = await asyncio.to_thread(compile_rules, text)
            # Hosts first: what is shown is in force.  The same text again reaches one that was
            # started elsewhere with another.
            await self._cluster.change_rules(text)
            reloaded = Reloaded(self._rules, rules)
            self._show(rules)
        log.info("rules reloaded", asked_by=asked_by, **reloaded.document())
        return reloaded

    async def reload_on_signal(self) -> None:
        """The same for an operator who sees only the log."""
        try:
            await self.reload("signal")
        except (InvalidRules, WrongSettings) as error:
            for problem in error.problems:
                log.error("the rules stay as they are", problem=problem)
        except Exception:
            log.exception("the rules could not be handed to every host; reload them again")

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
        return answered(write(reloaded.document(), exchange.answer), exchange.answer)

    def _show(self, rules: Rules) -> None:
        """Encoded once: everybody gets the same until the next change."""
        document = rules_document(rules)
        self._rules = rules
        self._bodies = {media: write(document, media) for media in Media}


def reload_on_hangup(rules: ServedRules) -> None:
    """Have SIGHUP reload the rules, as it does for other servers."""
    loop = asyncio.get_running_loop()
    running: set[asyncio.Task[None]] = set()

    def begin() -> None:
        task = loop.create_task(rules.reload_on_signal())
        running.add(task)
        task.add_done_callback(running.discard)

    loop.add_signal_handler(signal.SIGHUP, begin)

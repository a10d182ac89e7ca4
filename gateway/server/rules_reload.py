"""The rules file of a server, read again on request while it runs, and handed to all who use it.

`POST /v1/operations/rules/reload` and SIGHUP read it anew.  A file that is broken changes nothing
and says everything that is wrong with it.

Not for: what a host does with new rules (`actors.user.rules`), or a user's rows under them:
only `rebase_progression` reads those again.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable

import structlog
from msgspec.structs import asdict

from actors.background_tasks import BackgroundTasks
from domain.rules.compiled_rules import InvalidRules, Rules, compile_rules
from gateway.api.rules_endpoint import Reloaded, RulesEndpoint, what_changed
from gateway.settings import WrongSettings

log = structlog.get_logger("questkeep.rules")

ReadRules = Callable[[], str]
"""The rules file's text as it is now; raises `WrongSettings` when it cannot be read."""
Broadcast = Callable[[str], Awaitable[None]]
"""Gives a checked text to the hosts, and to the gateways that show it."""


class ServedRules(RulesEndpoint):
    """The rules in force, read by `read` when they are to change, then given to `broadcast`."""

    def __init__(self, rules: Rules, read: ReadRules, broadcast: Broadcast) -> None:
        super().__init__(rules)
        self._read = read
        self._broadcast = broadcast
        self._reloading = asyncio.Lock()

    async def reload(self, asked_by: str) -> Reloaded:
        """See `RulesEndpoint.reload`."""
        async with self._reloading:
            text = await asyncio.to_thread(self._read)
            rules = await asyncio.to_thread(compile_rules, text)
            # The others first: what is shown is in force.  The same text again reaches a host that
            # was started elsewhere with another.
            await self._broadcast(text)
            reloaded = what_changed(self.rules, rules)
            self.show(rules)
        log.info("rules reloaded", asked_by=asked_by, **asdict(reloaded))
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


def reload_on_hangup(rules: ServedRules) -> None:
    """Have SIGHUP reload the rules, as it does for other servers."""
    loop = asyncio.get_running_loop()
    tasks = BackgroundTasks()
    loop.add_signal_handler(signal.SIGHUP, lambda: tasks.spawn(rules.reload_on_signal()))

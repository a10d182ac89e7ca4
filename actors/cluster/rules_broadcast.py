"""Handing a rules file's text to hosts in other processes.

Not for: what a host does with it (`actors.host.rules`).
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from actors.errors import AskAgain, HostGone


class Callee(Protocol):
    """A host's actor."""

    async def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of it."""
        ...


async def tell_rules(host: Callee, in_force: Callable[[], str]) -> None:
    """Have the host decide by the rules in force, also when they change meanwhile.

    Calls to an actor may overtake each other: whatever came last, the newest is told again.
    """
    told = None
    while told != in_force():
        told = in_force()
        await host.call("change_rules", told)


async def tell_all(hosts: Iterable[Callee], in_force: Callable[[], str]) -> None:
    """Tell every host; one that is gone or cannot start is told when it is found again."""
    outcomes = await asyncio.gather(
        *(tell_rules(host, in_force) for host in hosts), return_exceptions=True
    )
    for error in outcomes:
        if isinstance(error, BaseException) and not isinstance(error, HostGone | AskAgain):
            raise error

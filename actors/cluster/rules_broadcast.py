"""Handing a rules file's text to hosts and gateways in other processes.

Not for: what a host does with it (`actors.user.rules`).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any, Protocol

from actors.errors import AskAgain, HostGone


class Callee(Protocol):
    """A host's actor."""

    async def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of it."""
        ...


async def tell_until_newest(
    tell: Callable[[str], Awaitable[object]], in_force: Callable[[], str]
) -> None:
    """Tell the rules in force, and again for as long as they changed meanwhile.

    Calls may overtake each other: whatever comes last, the newest is told once more.
    """
    newest = None
    while newest != in_force():
        newest = in_force()
        await tell(newest)


async def tell_rules(host: Callee, in_force: Callable[[], str]) -> None:
    """Have the host decide by the rules in force."""
    await tell_until_newest(partial(host.call, "change_rules"), in_force)


async def tell_all(hosts: Iterable[Callee], in_force: Callable[[], str]) -> None:
    """Tell every host; one that is gone or cannot start is told when it is found again."""
    outcomes = await asyncio.gather(
        *(tell_rules(host, in_force) for host in hosts), return_exceptions=True
    )
    for error in outcomes:
        if isinstance(error, BaseException) and not isinstance(error, HostGone | AskAgain):
            raise error

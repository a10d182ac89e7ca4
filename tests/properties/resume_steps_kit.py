"""Steps that go wrong in between, and what every watcher has to have seen after them."""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import strategies as st

from domain.messages.commands import Command
from tests.properties.resume_kit import USERS, System, truth

Step = tuple[str, int]

STEPS = st.sampled_from(
    [
        *("command", "command", "command", "command", "go on", "go on"),
        *("toggle", "toggle", "break", "part", "part", "kill", "fail"),
        *("hold", "release", "release", "hibernate", "passivate"),
    ]
)


async def take(system: System, step: Step, commands: list[Command]) -> None:
    """Take one step; nothing that was begun is waited for."""
    kind, number = step
    match kind:
        case "command" if commands:
            system.command(number % 2, USERS[number // 2 % 2], commands.pop(0))
        case "go on":
            for _ in range(number):
                await asyncio.sleep(0)
        case "toggle":
            system.toggle(number)
        case "break":
            system.break_connections()
        case "part":
            gateway = system.gateways[number % 2]
            if gateway.parted:
                gateway.join()
            else:
                gateway.part()
        case "hold":
            system.hold()
        case "release":
            system.release()
        case "kill":
            await system.kill(stored=bool(number % 2))
        case "fail":
            system.fail_append(stored=bool(number % 2))
        case "hibernate":
            await system.hibernate()
        case "passivate":
            await system.passivate()


async def every_watcher_sees_what_the_store_has(
    commands: Sequence[Command], steps: Sequence[Step]
) -> None:
    left = list(commands)
    with tempfile.TemporaryDirectory() as folder:
        async with System(Path(folder)) as system:
            for step in steps:
                await take(system, step, left)
            await system.settle()
            for user_id in USERS:
                command_ids, versions = await truth(system.gateways[0], user_id)
                for watcher in system.watchers:
                    if watcher.user_id == user_id:
                        watcher.check()
                        seen = watcher.mirror
                        begin = len(command_ids) - len(seen.command_ids)
                        assert seen.command_ids == command_ids[begin:]
                        assert seen.whys == ["first"], (
                            "what receipts hold is no reason to begin anew"
                        )
                        for (_, version), rows in seen.versions.items():
                            assert rows == versions[version]

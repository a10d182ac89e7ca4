"""What tests of hosts share: a host over a store in memory, and short words for messages."""

import itertools
from typing import Any

import msgspec

from actors.host.host import Host
from actors.host.settings import HostSettings
from actors.messages import Ask, Media, Read, Reply, View
from domain.messages.commands import decode_command
from domain.rules.load import preset_text
from persistence import eras
from persistence.memory import Faults, MemoryStore, World
from persistence.store import Stored

RULES_TEXT = preset_text()

ERA = Stored(1, b"e")
"""The store's own: given, so that faults of the store hit what a test is about."""


def settings(**changes: Any) -> HostSettings:
    """Host settings with the default rules."""
    return HostSettings(**{"store_url": "memory://", "rules_text": RULES_TEXT, **changes})


class Rig:
    """Hosts of one world in memory, with a clock that counts and faults on request."""

    def __init__(self, **changes: Any) -> None:
        self.world = World(snapshots={eras.NAME: ERA})
        self.faults = Faults()
        self.settings = settings(**changes)
        self.fenced: list[str] = []
        self._clock = itertools.count(1_000_000)
        self.host = self.another()

    def another(self, name: str = "h", faults: Faults | None = None) -> Host:
        """A new host over the same world: a successor, or a second copy."""
        return Host(
            name,
            MemoryStore(self.world, faults or self.faults),
            self.settings,
            now=lambda: next(self._clock),
            on_fenced=lambda: self.fenced.append(name),
        )


def command(user_id: str, command_id: str, type_: str, **fields: Any) -> Ask:
    """A command as the gateway sends it."""
    checked = decode_command({"command_id": command_id, "type": type_, **fields})
    return Ask.of(user_id, checked, Media.JSON)


def grant(user_id: str, command_id: str, amount: int = 10) -> Ask:
    """The simplest command that changes something."""
    return command(user_id, command_id, "grant_player_progression_experience", amount=amount)


def look(user_id: str, view: View = View.PROGRESSION, key: str = "") -> Read:
    """A read."""
    return Read(user_id, view, key, Media.JSON)


def body(reply: Reply) -> dict[str, Any]:
    """The body of a reply that must not be a refusal."""
    assert reply.code == "", (reply.code, reply.detail)
    decoded: dict[str, Any] = msgspec.json.decode(reply.body)
    return decoded


async def ask(host: Host, *requests: Ask | Read) -> list[Reply]:
    """The replies of a host."""
    return await host.ask(requests)


async def total_xp(host: Host, user_id: str) -> int:
    """The user's total experience as a reader sees it."""
    (reply,) = await host.ask([look(user_id)])
    total: int = body(reply)["player_progression"]["total_xp"]
    return total

"""One case being played: the client under test, the scripted server, and the steps cases are of.

A case is an async function of a `Trial`; its first line is the sentence it holds a client to.
"""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from cli.conformance import frames
from cli.conformance.client_under_test import ClientUnderTest, Failed, Seen
from cli.conformance.frames import Frame
from cli.conformance.scripted_server import PATIENCE_SECONDS, Line, ScriptedServer

POLL_SECONDS = 0.05

Case = Callable[["Trial"], Awaitable[None]]


def token(role: str = "player", number: int = 1) -> str:
    """A token without a signature worth anything: only its claims matter to a client."""
    claims = {"sub": "alice", "role": role, "aud": "questkeep", "iat": number, "exp": 4_102_444_800}
    return ".".join((_part({"alg": "none"}), _part(claims), "signature"))


def _part(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


@dataclass
class Trial:
    """What a case may do, and what it may ask."""

    client: ClientUnderTest
    server: ScriptedServer
    keys: int = field(default=0)

    async def connect(self, role: str = "player") -> Line:
        """Let the client connect; its first connection."""
        await self.client.tell("connect", url=self.server.url, token=token(role))
        return await self.server.line()

    async def live(self, version: int = 5, era: str = "e1") -> Line:
        """A player's connection that is caught up."""
        line = await self.connect()
        await line.send(frames.welcome())
        await line.send(frames.state(version, era), frames.caught_up(version))
        await self.shows(version, era)
        return line

    async def give(self, token: str) -> None:
        """Let the client's token function give this one, and wait until it does."""
        await self.client.tell("token", token=token)
        await self.synchronized()

    async def synchronized(self) -> None:
        """Wait until the client has done what it was told so far."""
        self.client.forget(lambda seen: seen["saw"] == "status")
        await self.client.tell("status")
        await self.client.see("status", lambda seen: seen["saw"] == "status", PATIENCE_SECONDS)

    async def again(self, after: str) -> Line:
        """The client's next connection, which must name the position it has.

        Raises:
            Failed: it names another.
        """
        line = await self.server.line()
        expect(line.query.get("after"), after, "the position `after` of the new connection")
        return line

    async def send(self, kind: str = "turn_in_quest", user: str = "", **fields: Any) -> str:
        """Let the client send a command; the key under which it will tell the answer."""
        self.keys += 1
        key = f"k{self.keys}"
        command = {"type": kind, **(fields or {"quest_id": f"q-{self.keys}"})}
        named = {"user_id": user} if user else {}
        await self.client.tell("send", key=key, command=command, **named)
        return key

    async def replied(self, key: str, version: int) -> Seen:
        """The client told a reply of this version.

        Raises:
            Failed: it told something else, or nothing.
        """
        seen = await self._answer(key)
        expect("problem" in seen, False, f"a reply to {key}")
        expect(seen["reply"].get("version"), version, f"the version of the reply to {key}")
        return seen

    async def refused(self, key: str, code: str) -> Seen:
        """The client told a problem of this code.

        Raises:
            Failed: it told something else, or nothing.
        """
        seen = await self._answer(key)
        expect(seen.get("problem", {}).get("code"), code, f"the refusal of {key}")
        return seen

    async def not_answered(self, key: str) -> None:
        """The client has told no answer to this command."""
        told = self.client.all_seen(lambda seen: seen["saw"] == "answer" and seen["key"] == key)
        expect(told, [], f"what was told of {key}")

    async def shows(self, version: int, era: str = "e1", user: str = "") -> Frame:
        """Wait until the client shows this version; its rows must be those of it.

        Raises:
            Failed: it does not get there.
        """
        rows = await self.rows(f"{era}.{version}", user)
        experience = rows.get("player_progression", {}).get("total_xp")
        expect(experience, version * frames.PER_VERSION, f"the experience at version {version}")
        expect(rows.get("inventory", {}).get("potion"), version, f"the potions at {version}")
        return rows

    async def rows(self, position: str, user: str = "") -> Frame:
        """Wait until the client's position is this; its rows."""
        named = {"user_id": user} if user else {}
        for _ in range(int(PATIENCE_SECONDS / POLL_SECONDS)):
            await self.client.tell("rows", **named)
            seen = await self.client.see("rows", lambda seen: seen["saw"] == "rows", 5)
            if seen.get("position") == position:
                rows: Frame = seen["rows"]
                return rows
            await asyncio.sleep(POLL_SECONDS)
        raise Failed(f"expected position {position}, the client is at {seen.get('position')}")

    async def told_versions(self, *expected: int) -> None:
        """The client told the events of these versions, each once and in order, and no others.

        Raises:
            Failed: it told others.
        """
        told = [
            event["planned"]
            for seen in self.client.all_seen(lambda seen: seen["saw"] == "change")
            for event in seen.get("events", ())
        ]
        expect(told, list(expected), "the versions whose events were told")

    async def becomes(self, status: str, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until the client says that this is its status.

        Raises:
            Failed: it does not.
        """
        await self.client.see(
            f"status {status}",
            lambda seen: seen["saw"] == "status" and seen["status"] == status,
            seconds,
        )

    async def _answer(self, key: str) -> Seen:
        return await self.client.see(
            f"an answer to {key}",
            lambda seen: seen["saw"] == "answer" and seen["key"] == key,
            PATIENCE_SECONDS,
        )


def expect(came: object, expected: object, what: str) -> None:
    """Hold what came to what was expected.

    Raises:
        Failed: they differ.
    """
    if came != expected:
        raise Failed(f"{what}: expected {expected!r}, got {came!r}")

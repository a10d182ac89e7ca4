"""Checker, in Jepsen's sense: whether everything the clients were answered can be true at once.

A loss or a doubled effect shows as two commands under one version, a version nobody asked for, a
sum that is off, or one command with two replies.

Not for: asking anybody (`clients`, `system`).
"""

import time
from typing import Any

import msgpack
from msgspec import Struct

from tests.torture.history import Operation, Sums, UserHistory

ASK_AGAIN = frozenset(
    {"outcome_unknown", "user_unavailable", "overloaded", "user_busy", "draining"}
)


class Violation(Struct, frozen=True):
    """A promise that was broken: `lost`, `doubled`, `forgotten`, `differs`, `early` or `stale`."""

    kind: str
    user_id: str
    command_id: str
    what: str


class Checker:
    """All histories, the violations found, and counts."""

    def __init__(self) -> None:
        self.histories: dict[str, UserHistory] = {}
        self.violations: list[Violation] = []
        self.log: list[tuple[float, int, str, str, str, object]] = []
        self.acknowledged = self.replayed = self.rejected = self.ask_again = self.reads = 0
        self.retired_users: dict[str, tuple[int, int]] = {}
        self._began = time.monotonic()

    def history(self, user_id: str) -> UserHistory:
        """The user's history."""
        return self.histories.setdefault(user_id, UserHistory(user_id))

    def invoke(self, user_id: str, fields: dict[str, Any]) -> Operation:
        """A client is about to ask this for the first time."""
        history = self.history(user_id)
        operation = Operation(user_id, fields, history.version_seen)
        history.operations[operation.command_id] = history.pending[operation.command_id] = operation
        return operation

    def find(self, user_id: str, command_id: str) -> Operation | None:
        """The command, while its user's history is open."""
        history = self.histories.get(user_id)
        return None if history is None else history.operations.get(command_id)

    def audit_due(self, window: int) -> bool:
        """Whether a client gave up on a command whose receipt is about to leave the window."""
        return any(
            history.version_seen - operation.asked_at > window // 4
            for history in self.histories.values()
            for operation in history.pending.values()
        )

    def note(self, host: int, word: str, user_id: str, command_id: str, found: object) -> None:
        """One line of the log, for whoever has to understand a failure."""
        at = round(time.monotonic() - self._began, 6)
        self.log.append((at, host, word, user_id, command_id, found))

    def violate(self, kind: str, user_id: str, command_id: str, what: str) -> None:
        """A promise was broken."""
        self.violations.append(Violation(kind, user_id, command_id, what))

    def acknowledge(self, operation: Operation, body: dict[str, Any], host: int) -> None:
        """A client heard that the command was accepted, with this body."""
        body = dict(body)
        self.replayed += body.pop("replayed")
        self.acknowledged += 1
        packed: bytes = msgpack.packb(body)
        self.note(host, "ok", operation.user_id, operation.command_id, body["version"])
        history = self.history(operation.user_id)
        history.version_seen = max(history.version_seen, body["version"])
        if not body["changes"]:
            history.pending.pop(operation.command_id, None)
        elif operation.body is None:
            self._first_reply(history, operation, body["version"], packed)
        elif operation.body != packed:
            before = msgpack.unpackb(operation.body)
            kind = "doubled" if before["version"] != body["version"] else "differs"
            self.violate(
                kind, operation.user_id, operation.command_id, f"first {before}, then {body}"
            )

    def _first_reply(
        self, history: UserHistory, operation: Operation, version: int, packed: bytes
    ) -> None:
        operation.body, operation.version = packed, version
        history.pending.pop(operation.command_id, None)
        other = history.by_version.setdefault(version, operation)
        if other is not operation:
            what = f"version {version} was acknowledged as {other.command_id}'s before"
            self.violate("lost", operation.user_id, other.command_id, what)

    def refuse(self, operation: Operation, code: str, host: int) -> bool:
        """A client was refused; whether the same command is worth asking again."""
        self.note(host, "refused", operation.user_id, operation.command_id, code)
        if code in ASK_AGAIN:
            self.ask_again += 1
            return True
        self.reject(operation, code)
        return False

    def reject(self, operation: Operation, code: str) -> None:
        """The rules said no: that changes nothing, and is no answer to what was accepted before."""
        self.rejected += 1
        if operation.body is not None:
            what = f"accepted as version {operation.version}, then refused as {code}"
            self.violate("forgotten", operation.user_id, operation.command_id, what)
        self.history(operation.user_id).pending.pop(operation.command_id, None)

    def read(self, user_id: str, version: int, floor: int, host: int) -> None:
        """A reader saw this version; `floor` had been acknowledged before the reader asked."""
        self.reads += 1
        self.note(host, "read", user_id, "", version)
        history = self.history(user_id)
        if version < floor:
            self.violate("lost", user_id, "", f"a reader saw version {version} after {floor}")
        history.version_seen = max(history.version_seen, version)

    def check_totals(self, user_id: str, version: int, total_xp: int) -> None:
        """Nothing is on its way and every receipt was asked for: everything must add up."""
        history = self.history(user_id)
        self.note(0, "settled", user_id, "", version)
        if version < history.version_seen:
            what = f"version {version} stands; {history.version_seen} was acknowledged or read"
            self.violate("lost", user_id, "", what)
        sums = history.summed
        while (operation := history.by_version.get(sums.version + 1)) is not None:
            self._add(sums, operation)
        if sums.version < version:
            what = f"version {sums.version + 1} of {version} belongs to no command anybody knows"
            self.violate("doubled", user_id, "", what)
        elif sums.total_xp != total_xp:
            kind = "doubled" if total_xp > sums.total_xp else "lost"
            what = f"total_xp is {total_xp}, granted was {sums.total_xp}"
            self.violate(kind, user_id, "", what)

    def _add(self, sums: Sums, operation: Operation) -> None:
        assert operation.body is not None
        body = msgpack.unpackb(operation.body)
        sums.version = body["version"]
        for event in body["events"]:
            self._add_event(sums, operation, event)
        rows = body["changes"]
        row = rows.get("player_progression")
        if row is not None and row["total_xp"] != sums.total_xp:
            what = f"the row says {row['total_xp']}, granted was {sums.total_xp}"
            self.violate("doubled", operation.user_id, operation.command_id, what)
        for chapter in rows.get("chapter_progression", ()):
            found = [chapter[f"actual_{name}"] for name in ("quest_xp", "hostile_xp")]
            found.append(chapter["actual_hostile_defeat_count"])
            if found != sums.chapters[chapter["chapter_id"]]:
                what = f"checker {found}, applied {sums.chapters[chapter['chapter_id']]}"
                self.violate("doubled", operation.user_id, operation.command_id, what)

    def _add_event(self, sums: Sums, operation: Operation, event: dict[str, Any]) -> None:
        match event["type"]:
            case "experience_granted":
                sums.total_xp += event["amount"]
            case "chapter_planned":
                sums.chapters[event["chapter_id"]] = [0, 0, 0]
            case "chapter_ledger_applied":
                added = (event["quest_xp"], event["hostile_xp"], event["defeats"])
                before = sums.chapters[event["chapter_id"]]
                sums.chapters[event["chapter_id"]] = [
                    a + b for a, b in zip(before, added, strict=True)
                ]
            case "quest_turned_in":
                if event["quest_id"] in sums.turned_in:
                    what = f"{event['quest_id']} was turned in twice"
                    self.violate("doubled", operation.user_id, operation.command_id, what)
                sums.turned_in.add(event["quest_id"])

    def retire_user(self, user_id: str) -> None:
        """Nobody will ask for this user again: keep only what must still stand at the very end."""
        history = self.histories.pop(user_id)
        self.retired_users[user_id] = (history.summed.version, history.summed.total_xp)

    @property
    def lost(self) -> int:
        """Broken promises that took something away."""
        return sum(one.kind in ("lost", "early", "stale") for one in self.violations)

    @property
    def doubled(self) -> int:
        """Broken promises of one effect and one answer."""
        return sum(one.kind in ("doubled", "forgotten", "differs") for one in self.violations)

"""Everything the clients were told, and whether it can all be true.

A *book* is about one user.  Versions order all commands that changed the user, so every reply says
where its command stands; a loss or a doubled effect shows as two commands under one version, a
version nobody asked for, a sum that is off, or one command with two replies.

Not for: asking anybody (`clients`, `arena`).
"""

import time
from collections import defaultdict
from typing import Any

import msgpack
from msgspec import Struct

ASK_AGAIN = frozenset(
    {"outcome_unknown", "user_unavailable", "overloaded", "user_busy", "draining"}
)


class Violation(Struct, frozen=True):
    """A promise that was broken: `lost`, `doubled`, `forgotten`, `differs`, `early` or `stale`."""

    kind: str
    user_id: str
    command_id: str
    what: str


class Entry:
    """One command as its client knows it.  `body` is the reply it was first given."""

    __slots__ = ("asked_at", "body", "command_id", "fields", "over", "user_id", "version")

    def __init__(self, user_id: str, fields: dict[str, Any], asked_at: int) -> None:
        self.user_id = user_id
        self.asked_at = asked_at  # the newest version anybody knew of then
        self.fields = fields
        self.command_id: str = fields["command_id"]
        self.body: bytes | None = None
        self.version = 0
        self.over = False  # nobody will ask again


class Book:
    """What is known of one user."""

    def __init__(self, user_id: str) -> None:
        self.user_id = user_id
        self.entries: dict[str, Entry] = {}
        self.by_version: dict[int, Entry] = {}
        self.open: dict[str, Entry] = {}  # asked, and the outcome is not known
        self.version_seen = 0  # by a reader or in a reply
        self.summed = _Sums()


class _Sums:
    """What the events of versions 1 to `version` add up to."""

    def __init__(self) -> None:
        self.version = 0
        self.total_xp = 0
        self.turned_in: set[str] = set()
        self.chapters: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0])


class Ledger:
    """All books, the violations found, and counts."""

    def __init__(self) -> None:
        self.books: dict[str, Book] = {}
        self.violations: list[Violation] = []
        self.story: list[tuple[float, int, str, str, str, object]] = []
        self.acknowledged = self.replayed = self.rejected = self.ask_again = self.reads = 0
        self.settled_users: dict[str, tuple[int, int]] = {}
        self._began = time.monotonic()

    def book(self, user_id: str) -> Book:
        """The user's book."""
        return self.books.setdefault(user_id, Book(user_id))

    def asked(self, user_id: str, fields: dict[str, Any]) -> Entry:
        """A client is about to ask this for the first time."""
        book = self.book(user_id)
        entry = Entry(user_id, fields, book.version_seen)
        book.entries[entry.command_id] = book.open[entry.command_id] = entry
        return entry

    def find(self, user_id: str, command_id: str) -> Entry | None:
        """The command, while its user's book is open."""
        book = self.books.get(user_id)
        return None if book is None else book.entries.get(command_id)

    def audit_due(self, window: int) -> bool:
        """Whether a client gave up on a command whose receipt is about to leave the window."""
        return any(
            book.version_seen - entry.asked_at > window // 4
            for book in self.books.values()
            for entry in book.open.values()
        )

    def note(self, host: int, word: str, user_id: str, command_id: str, found: object) -> None:
        """One line of the story, for whoever has to understand a failure."""
        at = round(time.monotonic() - self._began, 6)
        self.story.append((at, host, word, user_id, command_id, found))

    def violate(self, kind: str, user_id: str, command_id: str, what: str) -> None:
        """A promise was broken."""
        self.violations.append(Violation(kind, user_id, command_id, what))

    def told(self, entry: Entry, body: dict[str, Any], host: int) -> None:
        """A client was told that the command was accepted, with this body."""
        body = dict(body)
        self.replayed += body.pop("replayed")
        self.acknowledged += 1
        told: bytes = msgpack.packb(body)
        self.note(host, "told", entry.user_id, entry.command_id, body["version"])
        book = self.book(entry.user_id)
        book.version_seen = max(book.version_seen, body["version"])
        if not body["changes"]:
            book.open.pop(entry.command_id, None)
        elif entry.body is None:
            self._first_told(book, entry, body["version"], told)
        elif entry.body != told:
            before = msgpack.unpackb(entry.body)
            kind = "doubled" if before["version"] != body["version"] else "differs"
            self.violate(kind, entry.user_id, entry.command_id, f"first {before}, then {body}")

    def _first_told(self, book: Book, entry: Entry, version: int, told: bytes) -> None:
        entry.body, entry.version = told, version
        book.open.pop(entry.command_id, None)
        other = book.by_version.setdefault(version, entry)
        if other is not entry:
            what = f"version {version} was acknowledged as {other.command_id}'s before"
            self.violate("lost", entry.user_id, other.command_id, what)

    def refused(self, entry: Entry, code: str, host: int) -> bool:
        """A client was refused; whether the same command is worth asking again."""
        self.note(host, "refused", entry.user_id, entry.command_id, code)
        if code in ASK_AGAIN:
            self.ask_again += 1
            return True
        self.refused_for_good(entry, code)
        return False

    def refused_for_good(self, entry: Entry, code: str) -> None:
        """The rules said no: that changes nothing, and is no answer to what was accepted before."""
        self.rejected += 1
        if entry.body is not None:
            what = f"accepted as version {entry.version}, then refused as {code}"
            self.violate("forgotten", entry.user_id, entry.command_id, what)
        self.book(entry.user_id).open.pop(entry.command_id, None)

    def read(self, user_id: str, version: int, floor: int, host: int) -> None:
        """A reader saw this version; `floor` had been told before the reader asked."""
        self.reads += 1
        self.note(host, "read", user_id, "", version)
        book = self.book(user_id)
        if version < floor:
            self.violate("lost", user_id, "", f"a reader saw version {version} after {floor}")
        book.version_seen = max(book.version_seen, version)

    def settle(self, user_id: str, version: int, total_xp: int) -> None:
        """Nothing is on its way and every receipt was asked for: everything must add up."""
        book = self.book(user_id)
        self.note(0, "settled", user_id, "", version)
        if version < book.version_seen:
            what = f"version {version} stands; {book.version_seen} was told or read"
            self.violate("lost", user_id, "", what)
        sums = book.summed
        while (entry := book.by_version.get(sums.version + 1)) is not None:
            self._add(sums, entry)
        if sums.version < version:
            what = f"version {sums.version + 1} of {version} belongs to no command anybody knows"
            self.violate("doubled", user_id, "", what)
        elif sums.total_xp != total_xp:
            kind = "doubled" if total_xp > sums.total_xp else "lost"
            what = f"total_xp is {total_xp}, granted was {sums.total_xp}"
            self.violate(kind, user_id, "", what)

    def _add(self, sums: _Sums, entry: Entry) -> None:
        assert entry.body is not None
        body = msgpack.unpackb(entry.body)
        sums.version = body["version"]
        for event in body["events"]:
            self._add_event(sums, entry, event)
        rows = body["changes"]
        row = rows.get("player_progression")
        if row is not None and row["total_xp"] != sums.total_xp:
            what = f"the row says {row['total_xp']}, granted was {sums.total_xp}"
            self.violate("doubled", entry.user_id, entry.command_id, what)
        for chapter in rows.get("chapter_progression", ()):
            found = [chapter[f"actual_{name}"] for name in ("quest_xp", "hostile_xp")]
            found.append(chapter["actual_hostile_defeat_count"])
            if found != sums.chapters[chapter["chapter_id"]]:
                what = f"ledger {found}, applied {sums.chapters[chapter['chapter_id']]}"
                self.violate("doubled", entry.user_id, entry.command_id, what)

    def _add_event(self, sums: _Sums, entry: Entry, event: dict[str, Any]) -> None:
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
                    self.violate("doubled", entry.user_id, entry.command_id, what)
                sums.turned_in.add(event["quest_id"])

    def close_book(self, user_id: str) -> None:
        """Nobody will ask for this user again: keep what they must still have at the very end."""
        book = self.books.pop(user_id)
        self.settled_users[user_id] = (book.summed.version, book.summed.total_xp)

    @property
    def lost(self) -> int:
        """Broken promises that took something away."""
        return sum(one.kind in ("lost", "early", "stale") for one in self.violations)

    @property
    def doubled(self) -> int:
        """Broken promises of one effect and one answer."""
        return sum(one.kind in ("doubled", "forgotten", "differs") for one in self.violations)

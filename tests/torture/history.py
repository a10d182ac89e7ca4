"""History, in Jepsen's sense: what the clients invoked and what they were answered, user by user.

Versions order all commands that changed a user, so every reply says where its command stands.

Not for: judging it (`checker`).
"""

from collections import defaultdict
from typing import Any


class Operation:
    """One command and its outcome; `body` is the reply it was first given."""

    __slots__ = ("abandoned", "asked_at", "body", "command_id", "fields", "user_id", "version")

    def __init__(self, user_id: str, fields: dict[str, Any], asked_at: int) -> None:
        self.user_id = user_id
        self.asked_at = asked_at  # the newest version anybody knew of then
        self.fields = fields
        self.command_id: str = fields["command_id"]
        self.body: bytes | None = None
        self.version = 0
        self.abandoned = False  # nobody will ask again


class UserHistory:
    """The operations on one user."""

    def __init__(self, user_id: str) -> None:
        self.user_id = user_id
        self.operations: dict[str, Operation] = {}
        self.by_version: dict[int, Operation] = {}
        self.pending: dict[str, Operation] = {}  # invoked, and the outcome is not known
        self.version_seen = 0  # by a reader or in a reply
        self.summed = Sums()


class Sums:
    """What the events of versions 1 to `version` add up to."""

    def __init__(self) -> None:
        self.version = 0
        self.total_xp = 0
        self.turned_in: set[str] = set()
        self.chapters: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0])

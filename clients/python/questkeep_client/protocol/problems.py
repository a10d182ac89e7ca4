"""What goes wrong, as exceptions: a refusal of the server, a lasting end, a broken promise.

A lost connection is none of them: whoever waits goes on waiting while the client reconnects.
"""

from collections.abc import Mapping
from typing import Any

SAME, NEW, NEVER = "same", "new", "never"
"""What may be sent after a refusal: the same command again, another one, or nothing like it."""


class QuestkeepError(Exception):
    """Root of what this client raises by itself."""


class Problem(QuestkeepError):
    """The server refused a request or a command.

    `code` is stable and listed under `/docs/errors`; `retry` is `same`, `new` or `never`;
    `document` is the whole problem (RFC 9457), with members this client does not know.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self.code = str(document.get("code", "unknown"))
        self.status = int(document.get("status", 0))
        self.retry = str(document.get("retry", NEVER))
        self.command_id: str | None = document.get("command_id")
        self.retry_after_ms: int | None = document.get("retry_after_ms")
        super().__init__(f"{self.code}: {document.get('detail') or document.get('title', '')}")


class Closed(QuestkeepError):
    """The client is closed for good, and what was not answered will not be asked again.

    `code` is the WebSocket's close code (see docs/live.md), or 1000 after `close()`.
    """

    def __init__(self, code: int, reason: str) -> None:
        self.code = code
        super().__init__(f"the connection ended for good: {reason or 'closed'} ({code})")


class Gap(QuestkeepError):
    """The server left out a version, which it must not; the client resumes by itself."""

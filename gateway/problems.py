"""Refusals as clients see them: the one table from code to status, and the problem document.

A code is stable: programs branch on it, and `type` points at its paragraph in the docs.

Not for: deciding that something is refused.  Rules do that
(`domain.messages.rejections`), the way to a user's actor does (`actors.errors`), and so does
whatever reads a request here.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from actors.errors import DeliveryError
from actors.messages import Reply


class Retry(StrEnum):
    """What may be sent after a refusal."""

    SAME = "same"
    """The same command, under the same command id, later."""
    NEW = "new"
    """Another command, under another id; this one stays refused as things stand."""
    NEVER = "never"
    """Nothing like it: whoever sent it has to be mended first."""


class ProblemType(NamedTuple):
    """What a code says: the HTTP status, a title that never changes, and what a client can do."""

    status: int
    retry: Retry
    title: str
    advice: str


PROBLEM_TYPES: dict[str, ProblemType] = {
    "malformed_body": ProblemType(
        400, Retry.NEVER, "The body cannot be read", "Send one object or a list of them."
    ),
    "invalid_id": ProblemType(
        400, Retry.NEVER, "Not an id", "Use only the characters that ids may have."
    ),
    "unknown_command": ProblemType(
        400, Retry.NEVER, "No such command", "Check the spelling of `type`."
    ),
    "unauthenticated": ProblemType(
        401, Retry.SAME, "No valid token", "Send a fresh token as `Bearer`."
    ),
    "not_your_user": ProblemType(
        403, Retry.NEVER, "Another player's user", "Use your own id, or `me`."
    ),
    "not_allowed": ProblemType(
        403, Retry.NEVER, "Not for this role", "Let a service send this command."
    ),
    "unsupported_subprotocol": ProblemType(
        400,
        Retry.NEVER,
        "No format that is spoken here",
        "Offer `questkeep.v1.json` or `questkeep.v1.msgpack`.",
    ),
    "upgrade_required": ProblemType(
        426, Retry.NEVER, "Only by WebSocket", "Connect with a WebSocket, or poll `/changes`."
    ),
    "not_found": ProblemType(404, Retry.NEVER, "No such page", "Check the path."),
    "quest_not_found": ProblemType(
        404, Retry.NEW, "No such quest", "The quest has to be offered first."
    ),
    "battle_not_found": ProblemType(
        404, Retry.NEW, "No such battle", "The battle has to be started first."
    ),
    "chapter_not_found": ProblemType(
        404, Retry.NEW, "No such chapter", "The chapter needs a plan first."
    ),
    "grant_not_found": ProblemType(
        404,
        Retry.NEW,
        "No such grant",
        "Name the command of a quest's, battle's or grant's history entry.",
    ),
    "command_not_found": ProblemType(
        404,
        Retry.NEW,
        "No receipt of this command",
        "It changed nothing, or is older than the receipts kept.",
    ),
    "method_not_allowed": ProblemType(
        405, Retry.NEVER, "Not with this method", "`Allow` names the methods."
    ),
    "body_too_slow": ProblemType(
        408, Retry.SAME, "The body took too long", "Send the same request again."
    ),
    "quest_not_ready": ProblemType(
        409, Retry.NEW, "The quest is not ready", "Reach its objectives first."
    ),
    "quest_already_turned_in": ProblemType(
        409, Retry.NEVER, "The quest was turned in", "It pays once."
    ),
    "quest_exists": ProblemType(
        409, Retry.NEW, "The quest id is taken", "Offer it under a new id."
    ),
    "battle_over": ProblemType(409, Retry.NEVER, "The battle is over", "Start another one."),
    "battle_exists": ProblemType(
        409, Retry.NEW, "The battle id is taken", "Start it under a new id."
    ),
    "already_undone": ProblemType(
        409, Retry.NEVER, "The grant was undone", "It can be undone once."
    ),
    "command_id_reused": ProblemType(
        409,
        Retry.NEW,
        "The command id was used for another command",
        "Use a new id for a new command.",
    ),
    "limit_reached": ProblemType(
        409,
        Retry.NEW,
        "The user owns as many of these as they may",
        "Let some go, or raise the setting that the sentence names.",
    ),
    "receipt_gone": ProblemType(
        409,
        Retry.NEW,
        "Whether the command ran before cannot be known any more",
        "Read the user, and send it under a new id and with a new `since` if it is still wanted.",
    ),
    "body_too_large": ProblemType(
        413, Retry.NEVER, "The body is too large", "Send fewer commands at once."
    ),
    "answer_too_large": ProblemType(
        413,
        Retry.SAME,
        "The answer is too large",
        "Read in pages; send a list's commands again, under the same ids, in shorter lists.",
    ),
    "unsupported_media_type": ProblemType(
        415, Retry.NEVER, "Not in this format", "Send application/json or application/msgpack."
    ),
    "invalid_field": ProblemType(
        422, Retry.NEVER, "Wrong fields", "`errors` names each: what came, what fits."
    ),
    "invalid_rules": ProblemType(
        422,
        Retry.NEVER,
        "The rules file cannot be used",
        "`problems` names each; mend them, then reload.",
    ),
    "too_many_requests": ProblemType(
        429,
        Retry.SAME,
        "Too many requests",
        "Wait, then send the same again, or send a list.",
    ),
    "user_busy": ProblemType(
        429, Retry.SAME, "The user's mailbox is full", "Wait, then send the same again."
    ),
    "internal": ProblemType(
        500,
        Retry.SAME,
        "A bug in the server",
        "Tell the operator the `request_id`; the log has more.",
    ),
    "overloaded": ProblemType(
        503, Retry.SAME, "The server is full", "Wait, then send the same again."
    ),
    "draining": ProblemType(
        503, Retry.SAME, "The server is going down", "Send the same to the next server."
    ),
    "user_unavailable": ProblemType(
        503, Retry.SAME, "The user cannot be served now", "Wait, then send the same again."
    ),
    "outcome_unknown": ProblemType(
        504,
        Retry.SAME,
        "The reply was lost",
        "Send the same command again, or ask for its receipt: it takes effect once at most.",
    ),
}


class FieldError(NamedTuple):
    """One wrong field: where it stands, what came, and what is expected, in plain words."""

    field: str
    came: str
    expected: str


class Problem(Exception):
    """A refusal on its way to the client (RFC 9457).  Raised, or put in its place in a list.

    Attributes:
        user_id: whose command it was, among those of many users.
        retry_after_ms: set where the same request may succeed later; also sent as `Retry-After`.
        errors: for `invalid_field` and `invalid_id`, one entry for each wrong field.
        problems: for `invalid_rules`, one sentence for each thing that is wrong.
        headers: more response headers, such as `Allow`.
        request_id: finds the traceback of an `internal` problem in the log.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        command_id: str | None = None,
        user_id: str | None = None,
        retry_after_ms: int | None = None,
        errors: Sequence[FieldError] = (),
        problems: Sequence[str] = (),
        headers: Sequence[tuple[bytes, bytes]] = (),
        request_id: str | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.status = PROBLEM_TYPES[code].status
        self.detail = detail
        self.command_id = command_id
        self.user_id = user_id
        self.retry_after_ms = retry_after_ms
        self.errors = errors
        self.problems = problems
        self.headers = headers
        self.request_id = request_id

    def of_command(self, command_id: str, user_id: str | None) -> "Problem":
        """The same refusal, of this command."""
        return Problem(
            self.code,
            self.detail,
            command_id=command_id,
            user_id=user_id,
            retry_after_ms=self.retry_after_ms,
        )

    def document(self) -> dict[str, Any]:
        """The problem's members, ready to be encoded; those that are not set are left out."""
        problem_type = PROBLEM_TYPES[self.code]
        members: dict[str, Any] = {
            "type": f"/docs/errors#{self.code}",
            "title": problem_type.title,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "retry": problem_type.retry.value,
        }
        if self.command_id is not None:
            members["command_id"] = self.command_id
        if self.user_id is not None:
            members["user_id"] = self.user_id
        if self.retry_after_ms is not None:
            members["retry_after_ms"] = self.retry_after_ms
        if self.errors:
            members["errors"] = [error._asdict() for error in self.errors]
        if self.problems:
            members["problems"] = list(self.problems)
        if self.request_id is not None:
            members["request_id"] = self.request_id
        return members

    def response_headers(self) -> list[tuple[bytes, bytes]]:
        """What goes beside the document: `Retry-After` in seconds, rounded up, and the rest."""
        headers = list(self.headers)
        if self.retry_after_ms is not None:
            headers.append((b"retry-after", b"%d" % -(-self.retry_after_ms // 1000)))
        if self.status == 401:
            headers.append((b"www-authenticate", b"Bearer"))
        return headers


def refusal(reply: Reply, command_id: str | None = None, user_id: str | None = None) -> Problem:
    """The problem that a refusing reply stands for."""
    return Problem(
        reply.code,
        reply.detail,
        command_id=command_id,
        user_id=user_id,
        retry_after_ms=reply.retry_after_ms,
    )


def undelivered(error: DeliveryError, command_id: str | None = None) -> Problem:
    """The problem of a request that did not get through, or whose reply was lost."""
    problem_type = PROBLEM_TYPES[error.code]
    return Problem(
        error.code,
        str(error) or f"{problem_type.title}. {problem_type.advice}",
        command_id=command_id,
        retry_after_ms=error.retry_after_ms,
    )

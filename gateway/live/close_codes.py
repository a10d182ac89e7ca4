"""How a live connection ends: the close codes of docs/live.md, and the one a refusal becomes.

Not for: sending them (`websocket`).
"""

from enum import IntEnum
from typing import NamedTuple

from gateway.problems import Problem


class CloseCode(IntEnum):
    """Why the server ends a connection."""

    GOING_AWAY = 1001
    NOT_THIS_FORMAT = 1003
    NOT_UTF8 = 1007
    TOO_LARGE = 1009
    NO_FRAME = 4400
    TOKEN = 4401
    FORBIDDEN = 4403
    SILENT = 4408
    DISPLACED = 4409
    DID_NOT_READ = 4413
    TOO_MANY = 4429
    BUG = 4500
    UNAVAILABLE = 4503


class Close(NamedTuple):
    """A code, and a reason of at most 123 bytes."""

    code: int
    reason: str = ""


REASON_BYTES_MAX = 123
RETRY_AFTER_MS = 1_000
LEAVE_SECONDS_MAX = 5.0
"""How long a client may take to leave after it was told to."""

_BY_STATUS = {
    401: CloseCode.TOKEN,
    403: CloseCode.FORBIDDEN,
    429: CloseCode.TOO_MANY,
    500: CloseCode.BUG,
    503: CloseCode.UNAVAILABLE,
    504: CloseCode.UNAVAILABLE,
}
_WAITING = frozenset({CloseCode.TOO_MANY, CloseCode.UNAVAILABLE})


def close_of(problem: Problem) -> Close:
    """What a refusal becomes where there is no response to put it in."""
    code = _BY_STATUS.get(problem.status, CloseCode.NO_FRAME)
    if code in _WAITING:
        return wait(code, problem.retry_after_ms or RETRY_AFTER_MS)
    return Close(code, shortened(problem.request_id or f"{problem.code}: {problem.detail}"))


def wait(code: CloseCode, retry_after_ms: int) -> Close:
    """Come back, but not before this time."""
    return Close(code, f"retry_after_ms={retry_after_ms}")


def shortened(reason: str) -> str:
    """As much of a reason as a close frame has room for."""
    return reason.encode()[:REASON_BYTES_MAX].decode(errors="ignore")

"""Refusals of a host: what kept it from an answer, as callers hear of it.

Not for: what the rules refuse (`domain.messages.rejections`).
"""

import os

import structlog

from actors.errors import DeliveryCode
from actors.messages import Reply, refused
from persistence.errors import Corrupt, NewerFormat

log = structlog.get_logger(__name__)

ANSWER_BYTES_MAX = 64 * 1024 * 1024
"""Bodies of one request group together; what goes beyond is refused as `answer_too_large`."""
RETRY_AFTER_MS = 500


def answer_too_large() -> Reply:
    """The refusal of an answer that cannot be carried.  A command may have been carried out."""
    return refused(
        DeliveryCode.ANSWER_TOO_LARGE,
        f"the answers to one request have at most {ANSWER_BYTES_MAX >> 20} MiB together: read a "
        "list in pages, send commands again, with the same ids, in a shorter list",
    )


def internal_error() -> Reply:
    """The refusal for the exception that is being handled, which is a bug; logged with its id."""
    request_id = os.urandom(8).hex()
    log.exception("a request failed", request_id=request_id)
    detail = f"a bug in the server; its log has the traceback under request_id {request_id}"
    return refused(DeliveryCode.INTERNAL, detail)


def overloaded(detail: str) -> Reply:
    """The refusal of what a host has no room for now."""
    return refused(DeliveryCode.OVERLOADED, detail, RETRY_AFTER_MS)


def outcome_unknown() -> Reply:
    """The refusal of a command whose journal batch failed."""
    return refused(
        DeliveryCode.OUTCOME_UNKNOWN,
        "the journal failed, so the change may or may not have been kept; "
        "send the same command again to learn which",
        RETRY_AFTER_MS,
    )


def unavailable(error: BaseException) -> Reply:
    """The refusal for a store's failure; it tells clients nothing that only the log should say."""
    if isinstance(error, Corrupt | NewerFormat):
        detail = "what is stored for this user cannot be served; an operator has to look at it"
        return refused(DeliveryCode.USER_UNAVAILABLE, detail)
    return refused(
        DeliveryCode.USER_UNAVAILABLE, "the store cannot be used right now", RETRY_AFTER_MS
    )

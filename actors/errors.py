"""Failures on the way to a user's actor, and of the cluster itself."""

from enum import StrEnum


class DeliveryCode(StrEnum):
    """Why a request was not answered that the rules did not refuse: stable, clients see them.

    `gateway.problems` maps each to a status.  What the rules refuse has codes of its own
    (`domain.messages.rejections`).
    """

    OVERLOADED = "overloaded"
    USER_BUSY = "user_busy"
    DRAINING = "draining"
    USER_UNAVAILABLE = "user_unavailable"
    OUTCOME_UNKNOWN = "outcome_unknown"
    BODY_TOO_LARGE = "body_too_large"
    ANSWER_TOO_LARGE = "answer_too_large"
    INTERNAL = "internal"


class DeliveryError(Exception):
    """Root: a request did not get through, or its reply was lost."""

    code = DeliveryCode.INTERNAL
    retry_after_ms: int | None = None


class RequestTooLarge(DeliveryError):
    """More than a frame may hold.  Nothing was executed."""

    code = DeliveryCode.BODY_TOO_LARGE


class AskAgain(DeliveryError):
    """Nothing is wrong with the request; the same one may succeed after `retry_after_ms`."""

    code = DeliveryCode.USER_UNAVAILABLE
    retry_after_ms = 1_000


class Overloaded(AskAgain):
    """No room for one more active user, or too much on its way.  Nothing was executed."""

    code = DeliveryCode.OVERLOADED


class UserBusy(AskAgain):
    """This user's mailbox is full.  Nothing was executed."""

    code = DeliveryCode.USER_BUSY
    retry_after_ms = 250


class UserUnavailable(AskAgain):
    """The user cannot be served right now (its store is away).  Nothing was executed."""

    code = DeliveryCode.USER_UNAVAILABLE


class Moved(AskAgain):
    """This host is no more, and others have its users: the newest slot table says who."""


class OutcomeUnknown(AskAgain):
    """The command was sent and its reply was lost: it may or may not have taken effect.

    Asking again with the same command id is safe and tells.
    """

    code = DeliveryCode.OUTCOME_UNKNOWN


class HostGone(Exception):
    """The host died or is leaving.  What was sent may or may not have been executed."""


class ClusterError(Exception):
    """The cluster cannot start or scale.  The message says what was found and what to do."""


class CannotScale(ClusterError):
    """This cluster never has so many hosts while it serves.  Nothing has changed."""

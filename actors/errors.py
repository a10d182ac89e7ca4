"""Failures of the cluster: those that ask the caller to send the same command again, and others.

`code` is the stable name clients see (`gateway.problems` maps it to a status).
"""


class AskAgain(Exception):
    """Root: nothing is wrong with the request; the same one may succeed after `retry_after_ms`."""

    code = "user_unavailable"
    retry_after_ms = 1_000


class Overloaded(AskAgain):
    """No room for one more active user, or too much on its way.  Nothing was executed."""

    code = "overloaded"


class UserBusy(AskAgain):
    """This user's mailbox is full.  Nothing was executed."""

    code = "user_busy"
    retry_after_ms = 250


class UserUnavailable(AskAgain):
    """The user cannot be served right now (its store is away).  Nothing was executed."""

    code = "user_unavailable"


class OutcomeUnknown(AskAgain):
    """The command was sent and its reply was lost: it may or may not have taken effect.

    Asking again with the same command id is safe and tells.
    """

    code = "outcome_unknown"


class HostGone(Exception):
    """The host died or is leaving.  What was sent may or may not have been executed."""


class ClusterError(Exception):
    """The cluster cannot start.  The message says what was found and what to do."""

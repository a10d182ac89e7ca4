"""Names the steps between a decided change and stable storage, for tests that kill at each of them.

A test process sets `on_reached`; in a server it stays None, and a step costs one comparison.

Not for: logging, metrics, or anything a server does.
"""

from collections.abc import Callable

STEPS = (
    "journal.before_append",
    "journal.mid_append",
    "journal.after_append",
    "journal.after_sync",
    "journal.before_drop",
    "snapshot.before_write",
    "snapshot.before_rename",
    "snapshot.after_rename",
)
"""Steps of this layer's stores."""

HOST_STEPS = (
    "host.before_reply",
    "host.checkpoint",
    "host.passivating",
    "recovery.begun",
    "recovery.fenced",
    "recovery.read",
    "recovery.user_folded",
    "recovery.before_drop",
    "recovery.done",
)
"""Steps of `recovery` and of the hosts above it: a batch, a user or a stream passes each once."""

on_reached: Callable[[str], None] | None = None


def reached(step: str) -> None:
    """Tell the hook, if a test set one, that the calling thread stands at `step`."""
    if on_reached is not None:
        on_reached(step)

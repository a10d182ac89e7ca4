"""Failpoints: named places between a decided change and stable storage, where tests kill or pause.

A test process sets `on_failpoint`; in a server it stays None, and a failpoint costs one comparison.

Not for: logging, metrics, or anything a server does.
"""

from collections.abc import Callable

STORE_FAILPOINTS = (
    "journal.before_append",
    "journal.mid_append",
    "journal.after_append",
    "journal.after_sync",
    "journal.before_drop",
    "snapshot.before_write",
    "snapshot.before_rename",
    "snapshot.after_rename",
)
"""Failpoints of this layer's stores."""

HOST_FAILPOINTS = (
    "host.before_reply",
    "host.checkpoint",
    "host.checkpointed",
    "host.passivating",
    "recovery.begun",
    "recovery.fenced",
    "recovery.read",
    "recovery.user_folded",
    "recovery.before_drop",
    "recovery.done",
)
"""Failpoints of `recovery` and the hosts above it: a batch, a user or a stream passes each once."""

on_failpoint: Callable[[str], None] | None = None


def failpoint(name: str) -> None:
    """Call the hook, if a test set one, with the `name` that the calling thread has reached."""
    if on_failpoint is not None:
        on_failpoint(name)

"""Crash points: named steps of a server at which a test has it die.

A step is passed while a command is carried out, a user leaves memory, or a server starts on what
its predecessor left.  What was stored before it is there afterwards, and nothing else is.

Not for: the steps themselves (`persistence.failpoints`), or a server's death (`server`).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from persistence import failpoints

CRASH_POINTS = (
    "journal.before_append",
    "journal.after_append",
    "host.before_reply",
    "host.passivating",
    "snapshot.before_write",
    *(name for name in failpoints.HOST_FAILPOINTS if name.startswith("recovery.")),
)
"""Those that a test comes by; checkpoints come with journals of a size that no test writes.

`journal.before_append`: decided, and lost with the server.  `journal.after_append` and
`host.before_reply`: durable, and nobody was told.  `recovery.…`: the start after a death.
"""


class Crash:
    """A death that is to come.

    Attributes:
        happened: the step was reached, and the server died there.
    """

    def __init__(self, point: str, kill: Callable[[], None]) -> None:
        if point not in CRASH_POINTS:
            raise ValueError(f"{point!r} is no crash point: {', '.join(CRASH_POINTS)}")
        self.point = point
        self.happened = False
        self._kill = kill

    @contextmanager
    def armed(self, concerns: Callable[[], bool]) -> Iterator["Crash"]:
        """Die at the first passage in the block that `concerns` the server.

        Raises:
            AssertionError: the step was never reached: the test shows nothing.
        """

        def passed(name: str) -> None:
            if name == self.point and not self.happened and concerns():
                self.happened = True
                self._kill()

        before, failpoints.on_failpoint = failpoints.on_failpoint, passed
        try:
            yield self
        finally:
            failpoints.on_failpoint = before
        if not self.happened:
            raise AssertionError(f"the server did not pass {self.point} in this block")

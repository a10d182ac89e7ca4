"""The deadline of bytes that a client does not take.

Not for: deadlines of what a client is to send (`connection`).
"""

import asyncio
from math import inf

UNSENT_SECONDS_MAX = 30.0
"""How long a client may take no byte at all of what is to be sent to it."""


class UnsentDeadline:
    """Begins anew whenever some bytes of one connection leave, in whatever state it is.

    Attributes:
        written: bytes that were given to the transport, all in all; to be kept up by who writes.
        none_left: when that was looked at last, every byte had left.
    """

    __slots__ = ("_expires_at", "_taken", "none_left", "written")

    def __init__(self) -> None:
        self.written = 0
        self.none_left = False
        self._taken = -1  # bytes that had left when that was looked at last
        self._expires_at = inf

    def expired(self, transport: asyncio.WriteTransport, now: float) -> bool:
        """Whether the client is to be cut off.  To be called about once a second.

        `now` is in the event loop's seconds.
        """
        unsent = transport.get_write_buffer_size()
        taken = self.written - unsent
        self.none_left = not unsent
        if not unsent or taken != self._taken:
            self._taken = taken
            self._expires_at = now + UNSENT_SECONDS_MAX
        return self._expires_at < now

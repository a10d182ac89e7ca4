"""What a client does after each way a connection can end; the table of docs/live.md."""

import re
from dataclasses import dataclass

from questkeep_client.protocol.backoff import waiting_seconds
from questkeep_client.protocol.problems import Closed

BUGS = frozenset({1002, 1003, 1007, 1009, 4400})
TOKEN = 4401
FOR_GOOD = frozenset({4403, 4409})
AT_ONCE = frozenset({4408, 4413})
_RETRY_AFTER = re.compile(r"retry_after_ms=(\d{1,9})")


@dataclass(frozen=True, slots=True)
class Next:
    """`wait_seconds` until the next connection, None for never; whether it needs another token."""

    wait_seconds: float | None
    new_token: bool = False
    closed: Closed | None = None


def after_close(code: int, reason: str, tries: int, moving_ms: int | None) -> Next:
    """What follows a connection that ended with `code`.

    `tries` counts the connections in a row that were of no use; `moving_ms` is what the server's
    `moving` frame said.
    """
    if code in BUGS or code in FOR_GOOD:
        return Next(None, closed=Closed(code, reason))
    if code == TOKEN:
        return Next(waiting_seconds(tries) if tries else 0.0, new_token=True)
    if moving_ms is not None:
        return Next(moving_ms / 1000)
    if code in AT_ONCE and tries == 0:
        return Next(0.0)
    told = _RETRY_AFTER.search(reason)
    return Next(max(int(told[1]) / 1000 if told else 0.0, waiting_seconds(tries)))

"""Exponential backoff: how long to wait before the next try.

Not for: how often, or until when, something is tried (whoever tries).
"""


class Backoff:
    """Pauses that double, from the shortest to the longest, in seconds."""

    def __init__(self, shortest_seconds: float, longest_seconds: float) -> None:
        self._shortest = shortest_seconds
        self._longest = longest_seconds
        self._next = shortest_seconds

    def next_seconds(self) -> float:
        """The pause after one more failure."""
        seconds = self._next
        self._next = min(2 * seconds, self._longest)
        return seconds

    def reset(self) -> None:
        """Begin anew with the shortest: something worked."""
        self._next = self._shortest


def host_backoff() -> Backoff:
    """The pauses of whoever looks for a host that is gone."""
    return Backoff(0.02, 0.5)

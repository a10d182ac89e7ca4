"""A peer as processes that this program started, and what they have used.

Not for: which processes those are (each peer).
"""

from benchmarks.load.usage import Usage, below
from benchmarks.setup.processes import Servers


class Started:
    """The processes of one measurement; `open_servers` begins one, `stop` ends it.

    Attributes:
        front: the process that takes HTTP, as it is named to `Servers.start`.
        front_is_alone: what that process has started takes no HTTP.
    """

    front = ""
    front_is_alone = False

    def __init__(self) -> None:
        self._servers: Servers | None = None

    def open_servers(self, name: str) -> Servers:
        """The processes and folders of this measurement."""
        self._servers = Servers(name)
        return self._servers

    def usage(self) -> Usage:
        """CPU and disk of all of its processes until now."""
        front, others, written = 0.0, 0.0, 0
        pids = self._servers.pids() if self._servers is not None else {}
        for name, root in pids.items():
            for pid, seconds, disk_bytes in below(root):
                written += disk_bytes
                if name == self.front and (pid == root or not self.front_is_alone):
                    front += seconds
                else:
                    others += seconds
        return Usage(front, others, written)

    def stop(self) -> None:
        """End every process and drop what is stored."""
        if self._servers is not None:
            self._servers.close()
            self._servers = None

"""Remote hosts: packed hosts as a process sees them that did not start them.

The process that started the hosts says where they are (`HostLocator`); any other one on the machine
sends frames to them over channels of its own (`RemoteHosts`), without Ray.

Not for: how the question gets to the host locator (the `find` it is given).
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol, runtime_checkable

from actors.cluster.contract import Activity
from actors.cluster.placement import slot_of
from actors.feeds.feed import Feed, Listener
from actors.messages import Reply, Request
from actors.transport.addresses import HostAddress
from actors.transport.socket_channel import SocketChannel

FindHost = Callable[[int], Awaitable[HostAddress]]
"""Where the host of a slot listens now; raises `HostGone` to be asked again, or an `AskAgain`."""


@runtime_checkable
class HostLocator(Protocol):
    """A cluster whose hosts other processes of this machine can reach."""

    @property
    def hosts(self) -> int:
        """How many there are; known once it has started."""
        ...

    async def find(self, slot: int) -> HostAddress:
        """See `FindHost`."""
        ...


class RemoteHosts:
    """The user directory over hosts that another process started, watches and drains."""

    def __init__(self, hosts: int, find: FindHost, *, ask_timeout_seconds: float) -> None:
        self._timeout = ask_timeout_seconds
        self._channels = [SocketChannel(partial(find, slot)) for slot in range(hosts)]

    def host_of(self, user_id: str) -> int:
        """See `UserDirectory.host_of`."""
        return slot_of(user_id, len(self._channels))

    async def ask(self, requests: Sequence[Request]) -> list[Reply]:
        """See `UserDirectory.ask`."""
        channel = self._channels[self.host_of(requests[0].user_id)]
        return await channel.ask(requests, self._timeout)

    def watch(self, user_id: str, listener: Listener) -> Feed:
        """See `UserDirectory.watch`."""
        return self._channels[self.host_of(user_id)].watched.feeds.watch(user_id, listener)

    def activity(self) -> Activity:
        """What only this process knows; users are counted by the one that started the hosts."""
        return Activity(retries=sum(channel.retries for channel in self._channels))

    def close(self) -> None:
        """Close every connection; the hosts go on."""
        for channel in self._channels:
            channel.close()

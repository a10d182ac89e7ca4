"""Packed hosts as a further gateway process sees them: they are another's, who says where they are.

The gateway that started the hosts lends them (`HostLocator`); any other process on the machine
sends frames to them over channels of its own (`RemoteHosts`), without Ray.

Not for: how the question gets to the lender (the `find` it is given).
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol, runtime_checkable

from actors.cluster.contract import Activity, Capacity
from actors.cluster.placement import slot_of
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
    """The cluster contract over hosts that another process started, watches and drains."""

    def __init__(self, hosts: int, find: FindHost, *, ask_timeout_seconds: float) -> None:
        self._timeout = ask_timeout_seconds
        self._channels = [SocketChannel(partial(find, slot)) for slot in range(hosts)]

    async def start(self) -> None:
        """Nothing: the hosts are open already, and a channel connects when it is first needed."""

    def host_of(self, user_id: str) -> int:
        """See `Cluster.host_of`."""
        return slot_of(user_id, len(self._channels))

    async def ask(self, requests: Sequence[Request]) -> list[Reply]:
        """See `Cluster.ask`."""
        channel = self._channels[self.host_of(requests[0].user_id)]
        return await channel.ask(requests, self._timeout)

    async def change_rules(self, text: str) -> None:
        """Nothing: the lender tells the hosts."""

    def capacity(self) -> Capacity:
        """None of its own."""
        return Capacity(0, "as the gateway that started the hosts says")

    def activity(self) -> Activity:
        """What only this process knows; users are the lender's to count."""
        return Activity(0, 0, 0, sum(channel.retries for channel in self._channels))

    async def drain(self) -> None:
        """Hang up; the lender drains the hosts."""
        for channel in self._channels:
            channel.close()

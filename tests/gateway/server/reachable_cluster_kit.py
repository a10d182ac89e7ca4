"""The local cluster with its one host on a socket too, so that other processes can reach it."""

import tempfile
from pathlib import Path

from actors.cluster.local import LocalCluster
from actors.transport.addresses import LocalAddress
from actors.transport.socket_server import SocketServer


class ReachableCluster(LocalCluster):
    """Users in the primary's process; workers reach them as they would on Ray."""

    hosts = 1

    async def start(self) -> None:
        await super().start()
        self._folder = tempfile.TemporaryDirectory(prefix="questkeep-")
        self._path = str(Path(self._folder.name) / "host")
        self._listening = await SocketServer.listen(self.host, self._path)

    async def find(self, slot: int) -> LocalAddress:
        return LocalAddress(self._path)

    async def drain(self) -> None:
        await super().drain()
        self._listening.close()
        self._folder.cleanup()

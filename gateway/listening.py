"""The socket side: an address that is really free, and granian answering on it.

Granian shares its port with whoever else asks to share it, so a second server would start without
a word and take half of the requests.  That is why the address is tried here first.

Not for: what is answered (`app`).
"""

import asyncio
import errno
import resource
import socket
from typing import NamedTuple

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from gateway.app import App

HEADER_BYTES_MAX = 64 * 1024
FILES_ASKED_FOR = 65_536
FILES_FOR_THE_REST = 256
"""Sockets to hosts and to Ray, the store's files, and this program's own."""
_CHECK_SECONDS = 10.0
_STOP_SECONDS = 5.0


class CannotListen(Exception):
    """The address cannot be used.  The message is one sentence."""


class Address(NamedTuple):
    """Where to listen: an IP address, and a port that is never 0."""

    ip: str
    port: int

    @property
    def url(self) -> str:
        """How a client on this machine reaches it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.ip, self.ip)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


def free_address(host: str, port: int) -> Address:
    """The address that `host` and `port` name, with a free port in place of 0.

    Raises:
        CannotListen: it is taken, not of this machine, or not for this user.
    """
    try:
        family, kind, _, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
            ip, free, *_ = probe.getsockname()
            return Address(ip, free)
    except socket.gaierror:
        raise CannotListen(
            f"host is {host}, expected an address or name of this machine."
        ) from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            what = "is in use by another program: stop that one, or choose another --port."
        else:
            what = f"cannot be listened on ({error.strerror}): choose another --host or --port."
        raise CannotListen(f"Port {port} on {host} {what}") from None


def _connections_max() -> int:
    """As many connections as this process can have, after asking for as many files as it may."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    files = FILES_ASKED_FOR if most == resource.RLIM_INFINITY else min(most, FILES_ASKED_FOR)
    return max(1, files - FILES_FOR_THE_REST)


class Listener:
    """Granian, in this process and on this event loop."""

    def __init__(self, app: App, address: Address) -> None:
        self._address = address
        self._server = Server(
            app,
            address=address.ip,
            port=address.port,
            interface=Interfaces.ASGINL,
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(max_buffer_size=HEADER_BYTES_MAX),
            websockets=False,
            backlog=2_048,
            # Granian counts connections, idle ones too, and leaves those beyond this number without
            # an answer.  So it is as high as can be: it is we who answer when there is no room.
            backpressure=_connections_max(),
            log_enabled=False,
        )
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return once connections are accepted.  Raises `CannotListen`."""
        self._serving = asyncio.create_task(self._server.serve())
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                while not await self._accepts():
                    if self._serving.done():
                        raise CannotListen(f"{self._address.url} could not be served.")
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise CannotListen(f"{self._address.url} does not accept connections.") from None

    async def stop(self) -> None:
        """Close every connection."""
        if self._serving is None:
            return
        self._server.stop()  # type: ignore[no-untyped-call]
        await asyncio.wait([self._serving], timeout=_STOP_SECONDS)

    async def _accepts(self) -> bool:
        host = self._address.url.removeprefix("http://").rpartition(":")[0].strip("[]")
        try:
            _, writer = await asyncio.open_connection(host, self._address.port)
        except OSError:
            return False
        writer.close()
        return True

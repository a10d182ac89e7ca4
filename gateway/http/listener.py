"""The listening socket: finds a free address and accepts connections on it.

Several gateways of one server listen on the same port (SO_REUSEPORT): the kernel gives each new
connection to one of them.  A second *server* would start without a word and take half of the
requests, so `free_address` tries the address first, once for all of a server's gateways.

Not for: what happens on a connection (`connection`), or the answers: they come from a callable.
"""

import asyncio
import errno
import resource
import socket
from functools import partial
from typing import NamedTuple

import structlog

from actors.background_tasks import BackgroundTasks
from gateway.http.connections import Connections, client_address
from gateway.http.messages import Answer

log = structlog.get_logger(__name__)

FILES_MAX = 65_536
"""Open files, most of them connections, that this process asks the system for."""
EXPIRY_SECONDS = 1.0
STOP_SECONDS = 5.0
"""How long connections may take to close when the server stops; then they are aborted."""
_BACKLOG = 2_048
FILES_SPARED_MAX = 1_024
"""Of the open files, so many at most, and a quarter at most, are never connections: reloads, stores
and hosts need some."""
_ROOM_SHARE = 16
"""When there is no room for a new connection, one in so many is closed: the longest idle ones."""
_ACCEPTED_TOGETHER_MAX = 64
"""Connections accepted before the event loop serves the others."""
_PAUSE_SECONDS = 1.0


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
        raise _cannot_listen(host, port, error) from None


class Listener:
    """Accepts connections in this process and on this event loop, many at a time.

    An event loop's own server may accept one in each of its turns (uvloop's does): new connections
    to a busy gateway would wait for most of a second.

    `answer` gives the response to each request.  Connections of one client address beyond
    `per_client_max` are closed at once; 0 is no limit.

    Attributes:
        address: where it listens.
        connections: all that are open.
    """

    def __init__(self, answer: Answer, address: Address, per_client_max: int = 0) -> None:
        self.address = address
        self.connections = Connections(answer, per_client_max)
        self._socket: socket.socket | None = None
        self._expiry: asyncio.Task[None] | None = None
        self._tasks = BackgroundTasks()
        self._connections_max = 0
        self._closed_for_room = 0  # and not logged yet

    async def start(self) -> None:
        """Return once connections are accepted.  Raises `CannotListen`."""
        files = _allow_many_files()
        self._connections_max = files - min(FILES_SPARED_MAX, files // 4)
        self._socket = self._open()
        self._socket.setblocking(False)
        self._listen()
        self._expiry = asyncio.create_task(self._close_expired())

    def _listen(self) -> None:
        if self._socket is not None:
            asyncio.get_running_loop().add_reader(self._socket, self._accept, self._socket)

    def _accept(self, listening: socket.socket) -> None:
        """Accept the connections that wait in the backlog."""
        for _ in range(_ACCEPTED_TOGETHER_MAX):
            try:
                if self.connections.count >= self._connections_max:
                    raise OSError(errno.EMFILE, f"{self._connections_max} connections are open")
                accepted, peer = listening.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:  # no more files, most likely
                self._make_room(listening, error)
                return
            client = client_address(peer[0])
            if self.connections.admit(client):
                self._tasks.spawn(self._connect(accepted, client))
            else:
                accepted.close()

    def _make_room(self, listening: socket.socket, error: OSError) -> None:
        """Close idle connections; if there are none the backlog waits for a moment."""
        closed = self.connections.close_idle(1 + self.connections.count // _ROOM_SHARE)
        if closed:
            self._closed_for_room += closed
            return
        log.error("connections cannot be accepted", reason=str(error))
        loop = asyncio.get_running_loop()
        loop.remove_reader(listening)
        loop.call_later(_PAUSE_SECONDS, self._listen)

    async def _connect(self, accepted: socket.socket, client: str) -> None:
        try:
            accepted.setblocking(False)
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            loop = asyncio.get_running_loop()
            connect = partial(self.connections.connect, client)
            await loop.connect_accepted_socket(connect, accepted)
        except OSError:  # gone already
            accepted.close()
            self.connections.release(client)

    def _open(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.address.ip else socket.AF_INET
        opened = socket.socket(family)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            opened.bind(self.address)
            opened.listen(_BACKLOG)
        except OSError as error:
            opened.close()
            raise _cannot_listen(self.address.ip, self.address.port, error) from None
        return opened

    async def _close_expired(self) -> None:
        while True:
            await asyncio.sleep(EXPIRY_SECONDS)
            if self._closed_for_room:
                log.warning(
                    "idle connections closed to make room",
                    closed=self._closed_for_room,
                    open=self.connections.count,
                )
                self._closed_for_room = 0
            await self.connections.close_expired(asyncio.get_running_loop().time())

    async def stop(self) -> None:
        """Accept no more connections, answer the requests that have arrived, close all."""
        self._close()
        await self.connections.end(STOP_SECONDS)

    def abort(self) -> None:
        """Accept no more connections and close all at once, as the end of the process would."""
        self._close()
        self.connections.abort()

    def _close(self) -> None:
        if self._socket is None or self._expiry is None:
            return
        self._expiry.get_loop().remove_reader(self._socket)
        self._socket.close()
        self._socket = None
        self._expiry.cancel()


def _allow_many_files() -> int:
    """How many files this process may open, after asking for more than the usual 1,024."""
    least, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_MAX if most == resource.RLIM_INFINITY else min(most, FILES_MAX)
    files = max(least, wanted)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, most))
    return files


def _cannot_listen(host: str, port: int, error: OSError) -> CannotListen:
    if error.errno == errno.EADDRINUSE:
        what = "is in use by another program: stop that one, or choose another --port."
    else:
        what = f"cannot be listened on ({error.strerror}): choose another --host or --port."
    return CannotListen(f"Port {port} on {host} {what}")

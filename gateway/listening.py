"""The socket side: an address that is really free, and uvicorn answering on it.

The port is opened so that several gateways of one server can answer on it (SO_REUSEPORT): the
kernel gives each new connection to one of them.  A second *server* would start without a word and
take half of the requests, so the address is tried here first, once for all of a server's gateways.

Uvicorn sets no limit to what comes before a request's body; `_Protocol` does.

Not for: what is answered (`app`).
"""

import asyncio
import errno
import resource
import socket
from asyncio.events import TimerHandle
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.app import App

HEAD_BYTES_MAX = 64 * 1024
"""Of a request's line and headers, give or take one read of the socket."""
HEAD_SECONDS_MAX = 30.0
"""How long they may take to arrive, all of them; for the first request, from the connection on."""
KEEP_ALIVE_SECONDS = 75
"""Longer than the 60 s for which load balancers commonly keep a connection, so that it is they who
end it: a request that crosses our end on its way would be lost."""
FILES_MAX = 65_536
"""Open files, most of them connections, that this process asks to be allowed."""
_STOP_SECONDS = 5
TICKS_PER_SWEEP = 50
"""Uvicorn ticks ten times a second; the connections are looked through every five seconds."""
_INTERIM = b"HTTP/1.1 1"
"""How a line begins that asks for the rest of a request."""

_HEAD_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"connection: close\r\ncontent-length: 0\r\n\r\n"
)


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
    """Uvicorn, in this process and on this event loop."""

    def __init__(self, app: App, address: Address) -> None:
        self._address = address
        self._server = _Server(
            uvicorn.Config(
                app,
                http=_Protocol,
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="error",  # strangers' mistakes are theirs to hear of
                access_log=False,
                proxy_headers=False,
                server_header=False,
                backlog=2_048,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=_STOP_SECONDS,
            )
        )
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return once connections are accepted.  Raises `CannotListen`."""
        _allow_many_files()
        self._serving = asyncio.create_task(self._server.serve([self._open()]))
        while not self._server.started:
            if self._serving.done():
                raise CannotListen(f"{self._address.url} could not be served.")
            await asyncio.sleep(0.001)

    def _open(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._address.ip else socket.AF_INET
        opened = socket.socket(family)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            opened.bind(self._address)
        except OSError as error:
            opened.close()
            raise _cannot_listen(self._address.ip, self._address.port, error) from None
        return opened

    async def ended(self) -> None:
        """Return when nothing is served any more, whatever the reason."""
        if self._serving is not None:
            await asyncio.wait([self._serving])

    async def stop(self) -> None:
        """Close every connection."""
        self._server.should_exit = True
        await self.ended()


class _Server(uvicorn.Server):
    """Uvicorn without its signal handlers: signals are `serve`'s."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def on_tick(self, counter: int) -> bool:
        if counter % TICKS_PER_SWEEP == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                cast(_Protocol, connection).end_if_idle(now)
        return await super().on_tick(counter)


class _Protocol(HttpToolsProtocol):
    """One connection, with limits on the size and the time of what comes before a body.

    Idle connections are looked for from time to time: uvicorn's own way, a timer for each, set and
    taken back with every request, was a tenth of what uvicorn takes for one.
    """

    transport: "_JoinedWrites"  # type: ignore[assignment]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = True
        self._head_bytes = 0
        self._head_timer: TimerHandle | None = None
        self._idle_since: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(cast(asyncio.Transport, _JoinedWrites(transport)))
        self._head_timer = self.loop.call_later(HEAD_SECONDS_MAX, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_over()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._idle_since = None
        super().data_received(data)
        if not self._in_head or self.transport.is_closing():
            return
        # Most heads come in one piece and never get here.
        self._head_bytes += len(data)
        if self._head_bytes > HEAD_BYTES_MAX:
            self.transport.write(_HEAD_TOO_LARGE)
            self.transport.close()
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS_MAX, self.transport.close)

    def on_message_begin(self) -> None:
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head_is_over()
        super().on_headers_complete()

    def _head_is_over(self) -> None:
        self._in_head = False
        self._head_bytes = 0
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def on_response_complete(self) -> None:
        """What uvicorn does here, but for its timer."""
        self.transport.flush()
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
        else:
            self._idle_since = self.loop.time()

    def end_if_idle(self, now: float) -> None:
        """Close the connection if nothing has come since the last response, for too long."""
        if self._idle_since is not None and now - self._idle_since > KEEP_ALIVE_SECONDS:
            self.transport.close()


class _JoinedWrites:
    """A transport that sends a response in one go.

    Uvicorn writes a response's head and its body apart, and each write is a system call.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> None:
        """Keep `piece` until the response is complete; what comes before a response goes now."""
        if not self._pieces and piece.startswith(_INTERIM):
            self._transport.write(piece)
        else:
            self._pieces.append(piece)

    def flush(self) -> None:
        """The response is complete."""
        if self._pieces:
            self._transport.write(b"".join(self._pieces))
            self._pieces = []

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


def _allow_many_files() -> None:
    """Each connection is an open file; most systems allow 1,024 until a process asks for more."""
    least, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_MAX if most == resource.RLIM_INFINITY else min(most, FILES_MAX)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(least, wanted), most))


def _cannot_listen(host: str, port: int, error: OSError) -> CannotListen:
    if error.errno == errno.EADDRINUSE:
        what = "is in use by another program: stop that one, or choose another --port."
    else:
        what = f"cannot be listened on ({error.strerror}): choose another --host or --port."
    return CannotListen(f"Port {port} on {host} {what}")

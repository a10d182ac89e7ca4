"""A WebSocket that echoes, as an application would take one: `websockets` behind our 101."""

from websockets.client import ClientProtocol
from websockets.datastructures import Headers
from websockets.frames import Frame, Opcode
from websockets.http11 import Request as Handshake
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from gateway.http.connections import Connections
from gateway.http.messages import Request, Response, Upgraded, UpgradedProtocol
from tests.gateway.http.http_kit import (
    HEALTH,
    MemoryTransport,
    answer_complete_requests,
    connection_of,
)


class EchoSocket(UpgradedProtocol):
    """Sends every message back.

    Attributes:
        paused: how often writing was paused.
        checked: how often deadlines were checked.
        lost: the connection is.
    """

    def __init__(self, handshake: Handshake, protocol: ServerProtocol) -> None:
        self.paused = self.checked = 0
        self.lost = False
        self._protocol = protocol
        # The handshake was answered by the HTTP server; the protocol wants to have read it.
        protocol.receive_data(handshake.serialize())
        protocol.events_received()
        protocol.send_response(protocol.accept(handshake))
        protocol.data_to_send()

    def connection_made(self, transport) -> None:  # type: ignore[no-untyped-def]
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                self._protocol.send_text(bytes(event.data))
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True

    def pause_writing(self) -> None:
        self.paused += 1

    def end(self) -> None:
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(1001)
            self._send()

    def check_deadlines(self, now: float) -> None:
        self.checked += 1

    def _send(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self.written += len(data)
                self._transport.write(data)
            else:
                self._transport.close()


class EchoApplication:
    """Takes WebSockets at `/echo`; refuses them anywhere else.

    Attributes:
        sockets: those that were taken, in order.
    """

    def __init__(self) -> None:
        self.sockets: list[EchoSocket] = []

    async def answer(self, request: Request) -> Response | Upgraded:
        if request.upgrade != b"websocket":
            return Response(426, b"text/plain", b"")
        if request.path != b"/echo":
            return Response(403, b"text/plain", b"")
        headers = Headers()
        for name, value in request.headers:
            headers[name.decode()] = value.decode()
        handshake = Handshake(request.path.decode(), headers)
        accepted = ServerProtocol().accept(handshake)
        if accepted.status_code != 101:
            return Response(400, b"text/plain", b"")

        def make() -> EchoSocket:
            self.sockets.append(EchoSocket(handshake, ServerProtocol()))
            return self.sockets[-1]

        names = ("upgrade", "connection", "sec-websocket-accept")
        lines = [(name.encode(), accepted.headers[name].encode()) for name in names]
        return Upgraded(lines, make)


class Client:
    """The bytes of a WebSocket client."""

    def __init__(self, path: str = "/echo") -> None:
        self._protocol = ClientProtocol(parse_uri(f"ws://here{path}"))
        self._protocol.send_request(self._protocol.connect())
        self.handshake = b"".join(self._protocol.data_to_send())

    def frame(self, text: bytes) -> bytes:
        """A message, in bytes; only behind the handshake's answer."""
        self._protocol.send_text(text)
        return b"".join(self._protocol.data_to_send())

    def read(self, data: bytes) -> list[bytes]:
        """The messages in what was received."""
        self._protocol.receive_data(data)
        events = self._protocol.events_received()
        return [bytes(event.data) for event in events if isinstance(event, Frame)]


def early_frame(text: bytes) -> bytes:
    """A message that does not wait for the handshake's answer."""
    return Frame(Opcode.TEXT, text).serialize(mask=True)


def taken(application: EchoApplication) -> tuple[Connections, MemoryTransport]:
    """The transport of a connection that a WebSocket has taken over."""
    owner, transport = Connections(application.answer), MemoryTransport()
    connection = connection_of(owner)
    transport.set_protocol(connection)
    connection.connection_made(transport)
    return owner, transport


async def bytes_behind_a_handshake_reach_the_other_protocol(size: int) -> None:
    """A client that does not wait for its handshake loses nothing, wherever its bytes are cut."""
    owner, transport = taken(EchoApplication())
    client = Client()
    sent = HEALTH + client.handshake + early_frame(b"one") + early_frame(b"two")
    for start in range(0, len(sent), size):
        transport.get_protocol().data_received(sent[start : start + size])
        if size == 7:
            await answer_complete_requests()
    await answer_complete_requests()
    assert transport.sent.startswith(b"HTTP/1.1 426 ")
    switched = transport.sent[transport.sent.index(b"HTTP/1.1 101 ") :]
    assert client.read(switched) == [b"one", b"two"]
    assert transport.reading
    assert owner.count == 1
    transport.get_protocol().connection_lost(None)
    assert owner.count == 0

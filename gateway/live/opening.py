"""How a live connection begins: the handshake, the token, and what the client wants to see.

Not for: who may do what (`app`), or the connection (`connection`).
"""

import base64
import binascii
from typing import Any

from msgspec import Struct
from websockets.utils import accept_key

from actors.messages import Media
from domain.ids import ID_LENGTH_MAX, ID_RULE, is_id
from domain.state.position import Position
from gateway.api.changes.frames import DEFAULT_ROWS, ROWS
from gateway.api.commands.reply_form import ReplyForm
from gateway.api.exchange import Exchange
from gateway.api.parameters import position, query_of, word
from gateway.api.routes import QueryParameter
from gateway.auth.authenticator import Caller
from gateway.http.messages import Headers
from gateway.problems import Problem

SUBPROTOCOLS = {"questkeep.v1.json": Media.JSON, "questkeep.v1.msgpack": Media.MSGPACK}
BEARER = "bearer."
_OFFERED_MAX = 16
_KEY_BYTES = 16


def _read_rows(text: str) -> frozenset[str] | None:
    chosen = text.split(",")
    return frozenset(chosen) if set(chosen) <= set(ROWS) and len(chosen) <= len(ROWS) else None


def _read_session(text: str) -> str | None:
    return text if is_id(text) else None


_ROWS = QueryParameter(
    "rows",
    "What is shown, with commas between; by default all but `history`",
    {"type": "array", "items": {"type": "string", "enum": list(ROWS)}},
    f"some of {', '.join(ROWS)}, with commas between them",
    _read_rows,
)
_SESSION = QueryParameter(
    "session",
    "Names one device: a new connection of the same session replaces the old one",
    {"type": "string", "maxLength": ID_LENGTH_MAX},
    f"an id, {ID_RULE}",
    _read_session,
)
LIVE_QUERY = (
    position("after", "The position to resume from; without it the whole state comes first"),
    _ROWS,
    word("settled", ("all", "none"), "`none` leaves what is settled out of the state"),
    word("replies", ("full", "brief"), "`brief` leaves rows and events out of some replies"),
    _SESSION,
)


class Wish(Struct, frozen=True):
    """What a client wants of its connection.

    Attributes:
        only: the user whose line it is; None for a line of many.
        session: names one device of the caller; empty for none.
    """

    caller: Caller
    media: Media
    only: str | None
    after: Position | None
    shown: frozenset[str]
    unsettled: bool
    brief: bool
    session: str

    @property
    def form(self) -> ReplyForm:
        """How replies are wanted."""
        return ReplyForm(self.media, self.brief, named=self.only is None)


class Handshake:
    """What a request for an upgrade says, before anybody looks at who sends it.

    Attributes:
        token: as it would stand in an `Authorization` header; None where none came.
        hides_refusals: the client is a browser, which cannot see a refused upgrade.
        media: of the first subprotocol that is known; None where none is.
    """

    def __init__(self, exchange: Exchange) -> None:
        headers = exchange.headers
        self._key = headers.get(b"sec-websocket-key", b"")
        self._version = headers.get(b"sec-websocket-version", b"")
        self._upgrade = exchange.upgrade
        offered = _offered(headers.get(b"sec-websocket-protocol", b""))
        bearers = [name for name in offered if name.startswith(BEARER)]
        self.hides_refusals = bool(bearers)
        self._chosen = next((name for name in offered if name in SUBPROTOCOLS), None)
        self.media = SUBPROTOCOLS[self._chosen] if self._chosen else None
        self.token = exchange.authorization()
        if self.token is None and bearers:
            self.token = b"Bearer " + bearers[0].removeprefix(BEARER).encode("latin-1")

    @property
    def is_sound(self) -> bool:
        """Whether it can be answered with 101."""
        return self._upgrade == b"websocket" and self._version == b"13" and _is_key(self._key)

    def check(self) -> Media:
        """The format that is spoken.

        Raises:
            Problem: this is no WebSocket handshake, or of no format that is known.
        """
        if self._upgrade != b"websocket" or self._version != b"13":
            raise Problem(
                "upgrade_required",
                "This path is a WebSocket of version 13 (RFC 6455); without one there is /changes",
                headers=[(b"upgrade", b"websocket"), (b"sec-websocket-version", b"13")],
            )
        if not _is_key(self._key):
            detail = "Sec-WebSocket-Key is not 16 bytes in base64"
            raise Problem("malformed_body", detail)
        if self.media is None:
            known = " or ".join(SUBPROTOCOLS)
            detail = f"Sec-WebSocket-Protocol names no format that is known, expected {known}"
            raise Problem("unsupported_subprotocol", detail)
        return self.media

    def answer(self) -> Headers:
        """The headers of the 101."""
        headers = [
            (b"upgrade", b"websocket"),
            (b"connection", b"Upgrade"),
            (b"sec-websocket-accept", accept_key(self._key.decode("latin-1")).encode()),
        ]
        if self._chosen is not None:
            headers.append((b"sec-websocket-protocol", self._chosen.encode()))
        return headers


def wish_of(exchange: Exchange, caller: Caller, media: Media, only: str | None) -> Wish:
    """What the query asks for.

    Raises:
        Problem: `malformed_body`, a 400, as for the rest of a handshake.
    """
    known = [each for each in LIVE_QUERY if only is not None or each.name != "after"]
    try:
        query: dict[str, Any] = query_of(exchange, known)
    except Problem as problem:
        raise Problem("malformed_body", problem.detail, errors=problem.errors) from None
    return Wish(
        caller=caller,
        media=media,
        only=only,
        after=query.get("after"),
        shown=query.get("rows", DEFAULT_ROWS),
        unsettled=query.get("settled") == "none",
        brief=query.get("replies") == "brief",
        session=query.get("session", ""),
    )


def _offered(header: bytes) -> list[str]:
    parts = header.decode("latin-1").split(",", _OFFERED_MAX)[:_OFFERED_MAX]
    return [part.strip() for part in parts]


def _is_key(key: bytes) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == _KEY_BYTES
    except binascii.Error:
        return False

"""A server that reads a request and answers a reply of a turn-in's size, and does nothing else."""

from typing import Any

REPLY = b" " * 1_180
"""As many bytes as a peer's reply."""
START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(REPLY))],
}
BODY = {"type": "http.response.body", "body": REPLY}


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Raw ASGI: the whole body is read, as every peer does."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send(START)
    await send(BODY)

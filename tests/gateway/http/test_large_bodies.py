"""A large body leaves behind its head, and is not copied for it."""

import pytest

from gateway.http.messages import Request, Response
from gateway.http.responses import BODY_COPIED_MAX, response_pieces


@pytest.mark.parametrize("more", [0, 1])
def test_a_body_is_copied_up_to_a_size(more: int) -> None:
    request, body = Request(), b"x" * (BODY_COPIED_MAX + more)
    request.method = "GET"
    pieces = response_pieces(request, Response(200, b"text/plain", body), b"now", False)
    assert len(pieces) == 1 + more
    assert b"".join(pieces).endswith(b"\r\n\r\n" + body)
    assert f"content-length: {len(body)}\r\n".encode() in pieces[0]
    assert (pieces[-1] is body) is bool(more)


def test_the_answer_to_a_head_has_the_length_and_no_body() -> None:
    request, body = Request(), b"x" * (2 * BODY_COPIED_MAX)
    request.method = "HEAD"
    [head] = response_pieces(request, Response(200, b"text/plain", body), b"now", False)
    assert f"content-length: {len(body)}\r\n".encode() in head
    assert head.endswith(b"\r\n\r\n")

"""What a bucket's HTTP answers are taken for."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from persistence.objects.bucket import BucketError, ConditionFailed
from persistence.objects.obstore_bucket import Connection, ObstoreBucket


class _Answer(BaseHTTPRequestHandler):
    """Answers with the server's `status`; 0 is no answer at all."""

    status = 200
    requests = 0
    silence = threading.Event()

    def _answer(self) -> None:
        type(self).requests += 1
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.status == 0:
            self.silence.wait(10)
            return
        self.send_response(self.status)
        self.send_header("Content-Length", "0")
        self.send_header("ETag", '"tag"')
        self.end_headers()

    do_GET = do_PUT = do_POST = do_DELETE = _answer

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_Answer]]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "anyone")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "anything")
    handler = type("Handler", (_Answer,), {"silence": threading.Event()})
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{http.server_port}")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    thread = threading.Thread(target=http.serve_forever, args=(0.01,))
    thread.start()
    yield handler
    handler.silence.set()
    http.shutdown()
    thread.join()
    http.server_close()


@pytest.fixture
async def bucket(server: type[_Answer]) -> ObstoreBucket:
    """Finds its server by the environment, as obstore documents."""
    return ObstoreBucket("s3://bucket/questkeep", Connection(request_seconds=0.3))


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429, 408, 0])
async def test_a_failing_server_is_reported_at_once_as_passing(
    bucket: ObstoreBucket, server: type[_Answer], status: int
) -> None:
    """Once, not for three minutes: trying again is `retries`'s, under our deadline."""
    server.status = status
    calls = (
        lambda: bucket.get("name"),
        lambda: bucket.create("name", b""),
        lambda: bucket.replace("name", b"", {"e_tag": '"tag"'}),
    )
    for call in calls if status else calls[1:2]:
        with pytest.raises(BucketError) as caught:
            await call()
        assert caught.value.passing
    assert server.requests == (3 if status else 1)


@pytest.mark.parametrize("status", [409, 412])
async def test_a_failed_condition_is_reported_as_that(
    bucket: ObstoreBucket, server: type[_Answer], status: int
) -> None:
    server.status = status
    with pytest.raises(ConditionFailed):
        await bucket.create("name", b"")
    with pytest.raises(ConditionFailed):
        await bucket.replace("name", b"", {"e_tag": '"tag"'})


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_is_not_tried_again(
    bucket: ObstoreBucket, server: type[_Answer], status: int
) -> None:
    server.status = status
    for call in (lambda: bucket.get("name"), lambda: bucket.create("name", b"")):
        with pytest.raises(BucketError) as caught:
            await call()
        assert not caught.value.passing


async def test_replacing_what_is_gone_is_a_failed_condition(
    bucket: ObstoreBucket, server: type[_Answer]
) -> None:
    server.status = 404
    with pytest.raises(ConditionFailed):
        await bucket.replace("name", b"", {"e_tag": '"tag"'})
    assert await bucket.get("name") is None
    with pytest.raises(BucketError):
        await bucket.create("name", b"")

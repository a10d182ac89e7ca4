"""What a bucket's HTTP answers are taken for."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from persistence.objects import obstore_bucket
from persistence.objects.bucket import BucketError, ConditionFailed
from persistence.objects.obstore_bucket import ObstoreBucket


class _Answer(BaseHTTPRequestHandler):
    """Answers with the server's `status`; 0 is no answer at all."""

    status = 200
    body = b""
    requests = 0
    silence = threading.Event()

    def _answer(self) -> None:
        type(self).requests += 1
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.status == 0:
            self.silence.wait(10)
            return
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.body)))
        self.send_header("ETag", '"tag"')
        self.end_headers()
        self.wfile.write(self.body)

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
async def bucket(server: type[_Answer], monkeypatch: pytest.MonkeyPatch) -> ObstoreBucket:
    """Finds its server by the environment, as obstore documents."""
    monkeypatch.setattr(obstore_bucket, "REQUEST_SECONDS", 0.3)
    return ObstoreBucket("s3://bucket/questkeep")


def error(code: str, message: str = "in words") -> bytes:
    return f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()


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


# What may pass, by status and code; the rest is final.
FINAL = {
    "a malformed request": (400, error("AuthorizationHeaderMalformed")),
    "an unknown key": (401, b""),
    "no leave": (403, error("SignatureDoesNotMatch")),
    "no such bucket": (404, error("NoSuchBucket")),
    "no such container": (404, error("ContainerNotFound")),
    "not implemented": (501, error("NotImplemented")),
}


@pytest.mark.parametrize(("status", "body"), FINAL.values(), ids=FINAL)
async def test_an_answer_that_another_try_cannot_better_is_final(
    bucket: ObstoreBucket, server: type[_Answer], status: int, body: bytes
) -> None:
    server.status, server.body = status, body
    calls = (
        bucket.get("name"),
        bucket.create("name", b""),
        bucket.delete(["name"]),
        anext(bucket.names("folder", "")),
    )
    for call in calls:
        with pytest.raises(BucketError) as caught:
            await call
        assert not caught.value.passing


async def test_only_the_store_s_own_word_makes_an_object_one_never_written(
    bucket: ObstoreBucket, server: type[_Answer]
) -> None:
    """A 404 of a proxy, or about an access key, taken for that has cost acknowledged writes."""
    server.status = 404
    for code in ("NoSuchKey", "BlobNotFound"):
        server.body = error(code)
        assert await bucket.get("name") is None
    for body in (
        b"",
        b"<html><body>404 Not Found</body></html>",
        b"NoSuchKey",
        error("XAdminUserNotFound", "No user exists with the provided access key ID."),
        error("NoSuchUpload"),
    ):
        server.body = body
        with pytest.raises(BucketError) as caught:
            await bucket.get("name")
        assert caught.value.passing
        with pytest.raises(BucketError):
            await bucket.delete(["name"])


async def test_replacing_what_is_gone_is_a_failed_condition(
    bucket: ObstoreBucket, server: type[_Answer]
) -> None:
    server.status, server.body = 404, error("NoSuchKey")
    with pytest.raises(ConditionFailed):
        await bucket.replace("name", b"", {"e_tag": '"tag"'})
    with pytest.raises(BucketError):
        await bucket.create("name", b"")
    server.body = b""
    with pytest.raises(BucketError):
        await bucket.replace("name", b"", {"e_tag": '"tag"'})


async def test_an_error_carries_what_the_store_said(
    bucket: ObstoreBucket, server: type[_Answer]
) -> None:
    server.status = 507
    server.body = error("XDiskFull", "no space left on device")
    with pytest.raises(BucketError, match=r"507 .*: XDiskFull: no space left on device"):
        await bucket.create("name", b"")

"""Google's XML API in front of fake-gcs-server, which speaks the JSON API only.

obstore talks to Google Cloud Storage over the XML API.  What is decided (whether a condition held,
which generation there is) is fake-gcs-server's; this only translates.

Not for: any other client than obstore.
"""

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import escape

_MISSING = {"PUT": "NoSuchBucket", "GET": "NoSuchKey", "DELETE": "NoSuchKey"}


class _Translator(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    upstream: int

    def do_GET(self) -> None:
        bucket, name, query = self._place()
        if not name:
            self._list(bucket, query)
            return
        status, headers, body = self._ask("GET", f"{self._object(bucket, name)}?alt=media")
        if status != 200:
            self._refuse(status, bucket)
            return
        self._send(200, body, self._tags(headers))

    def do_PUT(self) -> None:
        bucket, name, _ = self._place()
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = f"/upload/storage/v1/b/{bucket}/o?uploadType=media&name={quote(name, safe='')}"
        generation = self.headers.get("x-goog-if-generation-match")
        if generation is not None:
            path += f"&ifGenerationMatch={generation}"
        status, headers, body = self._ask("POST", path, content)
        if status != 200:
            self._refuse(status, bucket)
            return
        written = json.loads(body)
        headers |= {"x-goog-generation": written["generation"], "etag": written["etag"]}
        self._send(200, b"", self._tags(headers))

    def do_DELETE(self) -> None:
        bucket, name, _ = self._place()
        status, _, _ = self._ask("DELETE", self._object(bucket, name))
        if status in (200, 204):
            self._send(204, b"", {})
        else:
            self._refuse(status, bucket)

    def _list(self, bucket: str, query: dict[str, str]) -> None:
        path = f"/storage/v1/b/{bucket}/o?prefix={quote(query.get('prefix', ''), safe='')}"
        after = query.get("continuation-token") or query.get("start-after", "")
        path += f"&startOffset={quote(after, safe='')}&maxResults=100000"
        status, _, body = self._ask("GET", path)
        if status != 200:
            self._refuse(status, bucket)
            return
        items = sorted(json.loads(body).get("items", []), key=lambda item: item["name"])
        later = [item for item in items if item["name"] > after]
        page = later[: int(query.get("max-keys", 1000))]
        last = page[-1]["name"] if len(page) < len(later) else None
        parts = [_entry(item) for item in page]
        if last is not None:
            parts.append(f"<NextContinuationToken>{escape(last)}</NextContinuationToken>")
        xml = f"<ListBucketResult>{''.join(parts)}</ListBucketResult>"
        self._send(200, xml.encode(), {"content-type": "application/xml"})

    def _ask(
        self, method: str, path: str, content: bytes | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.upstream, timeout=10)
        headers = {} if content is None else {"Content-Type": "application/octet-stream"}
        try:
            connection.request(method, path, content, headers)
            response = connection.getresponse()
            fields = {name.lower(): value for name, value in response.getheaders()}
            return response.status, fields, response.read()
        finally:
            connection.close()

    def _place(self) -> tuple[str, str, dict[str, str]]:
        parts = urlsplit(self.path)
        bucket, _, name = parts.path[1:].partition("/")
        return bucket, unquote(name), {key: each[0] for key, each in parse_qs(parts.query).items()}

    def _object(self, bucket: str, name: str) -> str:
        return f"/storage/v1/b/{bucket}/o/{quote(name, safe='')}"

    def _tags(self, headers: dict[str, str]) -> dict[str, str]:
        wanted = ("x-goog-generation", "etag", "last-modified")
        stamp = {"last-modified": "Thu, 01 Jan 2026 00:00:00 GMT"}
        return stamp | {name: headers[name] for name in wanted if name in headers}

    def _refuse(self, status: int, bucket: str) -> None:
        code = {412: "PreconditionFailed", 404: _MISSING[self.command]}.get(status, "Unknown")
        if status == 404 and self._ask("GET", f"/storage/v1/b/{bucket}")[0] == 404:
            code = "NoSuchBucket"
        xml = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{code}</Message></Error>"
        self._send(status, xml.encode(), {"content-type": "application/xml"})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        return


def _entry(item: dict[str, Any]) -> str:
    return (
        f"<Contents><Key>{escape(item['name'])}</Key><Size>{item['size']}</Size>"
        f"<LastModified>2026-01-01T00:00:00.000Z</LastModified>"
        f"<ETag>{escape(item['etag'])}</ETag></Contents>"
    )


@contextmanager
def xml_api(upstream: int) -> Iterator[int]:
    """The port of an XML API over the JSON API at the port `upstream`."""
    handler = type("Translator", (_Translator,), {"upstream": upstream})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

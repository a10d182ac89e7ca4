"""moto's S3 server in a process of its own, spoken to over HTTP.

It answers one request at a time: with threads it looks at a condition and writes in two steps.
Started as `python -m tests.s3_kit`, it prints its address.
"""

import contextlib
import secrets
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent


@contextlib.contextmanager
def s3_server() -> Iterator[str]:
    """The address of a server that lasts as long as the block."""
    with s3_process() as (_, address):
        yield address


@contextlib.contextmanager
def s3_process() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """As `s3_server`, with its process."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.s3_kit"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT
    ) as server:
        assert server.stdout is not None
        try:
            yield server, server.stdout.readline().strip()
        finally:
            server.kill()


def environment(address: str) -> dict[str, str]:
    """The variables by which a process finds the server."""
    return {
        "AWS_ENDPOINT_URL": address,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "anyone",
        "AWS_SECRET_ACCESS_KEY": "anything",
    }


def new_bucket(address: str) -> str:
    """The `s3://` URL of a bucket of its own."""
    name = f"bucket-{secrets.token_hex(8)}"
    request = urllib.request.Request(f"{address}/{name}", method="PUT")
    with urllib.request.urlopen(request, timeout=10):
        return f"s3://{name}/questkeep"


def main() -> None:
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    app = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, app, threaded=False)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()

"""Object store servers that nobody here wrote, installed once into `.tools/stores`, on loopback.

A server that cannot be had (no Go, no node, no package registry) is skipped, and the skip says why.
Each is started for a block, finds a free port by itself or is given one, and ends with the block.

Not for: moto, which needs no installing (`tests.s3_kit`).
"""

import base64
import contextlib
import email.utils
import hashlib
import hmac
import http.client
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conformance.gcs_shim_kit import xml_api

TOOLS = Path(__file__).parents[2] / ".tools" / "stores"
VERSITYGW = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"
AZURITE = "azurite@3.35.0"
FAKE_GCS = "github.com/fsouza/fake-gcs-server@v1.56.1"
INSTALL_SECONDS = 900  # a first build of versitygw takes two minutes, and others may share the CPUs
START_SECONDS = 60
_ACCOUNT = "questkeep"


class StoreServer(NamedTuple):
    """A server that answers: how a process finds it, and the URL of a new bucket in it."""

    environment: dict[str, str]
    new_bucket: Callable[[], str]


def go_program(module: str) -> Path:
    """The program of a Go module at a pinned version; skips the test where it cannot be built."""
    name, _, version = module.rpartition("/")[2].partition("@")
    folder = TOOLS / f"{name}-{version}"
    if not (folder / name).exists():
        if shutil.which("go") is None:
            pytest.skip(f"go is not installed: {name} cannot be built")
        # Built aside and then moved: a build that was broken off leaves nothing that looks whole.
        with _draft() as draft:
            _install(draft, "go", "install", module, GOBIN=str(draft))
            _move(draft, folder)
    return folder / name


def npm_package(package: str) -> Path:
    """The folder of an npm package at a pinned version; skips the test where it cannot be had."""
    folder = TOOLS / package.replace("@", "-")
    if not folder.exists():
        if shutil.which("node") is None or shutil.which("npm") is None:
            pytest.skip(f"node and npm are not installed: {package} cannot be had")
        with _draft() as draft:
            _install(
                draft, "npm", "install", "--no-audit", "--no-fund", "--loglevel=error", package
            )
            _move(draft, folder)
    return folder / "node_modules" / package.partition("@")[0]


@contextlib.contextmanager
def versitygw() -> Iterator[StoreServer]:
    """An S3 server over a folder of this machine."""
    program = go_program(VERSITYGW)
    access, secret = "questkeep", secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="questkeep-versitygw-") as folder:
        port = _free_port()
        command = [str(program), "--access", access, "--secret", secret, "--quiet"]
        command += ["--port", f"127.0.0.1:{port}", "posix", folder]
        with _running(command, Path(folder), lambda: _answers(port)):
            environment = {
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
                "AWS_ALLOW_HTTP": "true",
                "AWS_ACCESS_KEY_ID": access,
                "AWS_SECRET_ACCESS_KEY": secret,
                "AWS_REGION": "us-east-1",
            }

            def new_bucket() -> str:
                name = f"bucket-{secrets.token_hex(8)}"
                (Path(folder) / name).mkdir()  # a folder is a bucket there
                return f"s3://{name}/questkeep"

            yield StoreServer(environment, new_bucket)


@contextlib.contextmanager
def azurite() -> Iterator[StoreServer]:
    """Azure's own emulator of its blob storage, in memory."""
    main = npm_package(AZURITE) / "dist" / "src" / "blob" / "main.js"
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    with tempfile.TemporaryDirectory(prefix="questkeep-azurite-") as folder:
        port = _free_port()
        command = ["node", str(main), "--blobHost", "127.0.0.1", "--blobPort", str(port)]
        command += ["--inMemoryPersistence", "--silent", "--disableTelemetry"]
        command += ["--skipApiVersionCheck"]
        storage = {"AZURITE_ACCOUNTS": f"{_ACCOUNT}:{key}"}
        with _running(command, Path(folder), lambda: _answers(port), **storage):
            environment = {
                "AZURE_STORAGE_ACCOUNT_NAME": _ACCOUNT,
                "AZURE_STORAGE_ACCOUNT_KEY": key,
                "AZURE_STORAGE_ENDPOINT": f"http://127.0.0.1:{port}/{_ACCOUNT}",
                "AZURE_ALLOW_HTTP": "true",
            }

            def new_bucket() -> str:
                name = f"container-{secrets.token_hex(8)}"
                _create_container(port, name, key)
                return f"az://{name}/questkeep"

            yield StoreServer(environment, new_bucket)


@contextlib.contextmanager
def fake_gcs() -> Iterator[StoreServer]:
    """A server of Google's JSON API, in memory, behind `gcs_shim_kit`."""
    program = go_program(FAKE_GCS)
    with tempfile.TemporaryDirectory(prefix="questkeep-fake-gcs-") as folder:
        port = _free_port()
        command = [str(program), "-backend", "memory", "-scheme", "http", "-log-level", "error"]
        command += ["-host", "127.0.0.1", "-port", str(port)]
        with (
            _running(command, Path(folder), lambda: _answers(port)),
            xml_api(port) as xml_port,
        ):
            service = {
                "gcs_base_url": f"http://127.0.0.1:{xml_port}",
                "disable_oauth": True,
                "client_email": "",
                "private_key": "",
                "private_key_id": "",
            }

            def new_bucket() -> str:
                name = f"bucket-{secrets.token_hex(8)}"
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
                content = json.dumps({"name": name})
                headers = {"Content-Type": "application/json"}
                connection.request("POST", "/storage/v1/b?project=test", content, headers)
                assert connection.getresponse().status == 200
                connection.close()
                return f"gs://{name}/questkeep"

            yield StoreServer({"GOOGLE_SERVICE_ACCOUNT_KEY": json.dumps(service)}, new_bucket)


def _create_container(port: int, name: str, key: str) -> None:
    """obstore makes no containers, so this one request is signed here (Azure's Shared Key)."""
    headers = {
        "x-ms-date": email.utils.formatdate(usegmt=True),
        "x-ms-version": "2021-08-06",
        "Content-Length": "0",
    }
    signed = "\n".join(
        (
            "PUT" + "\n" * 11,
            *(f"{name}:{headers[name]}" for name in ("x-ms-date", "x-ms-version")),
            f"/{_ACCOUNT}/{_ACCOUNT}/{name}",
            "restype:container",
        )
    )
    digest = hmac.new(base64.b64decode(key), signed.encode(), hashlib.sha256).digest()
    headers["Authorization"] = f"SharedKey {_ACCOUNT}:{base64.b64encode(digest).decode()}"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("PUT", f"/{_ACCOUNT}/{name}?restype=container", headers=headers)
    response = connection.getresponse()
    assert response.status == 201, response.read()
    connection.close()


@contextlib.contextmanager
def _running(
    command: list[str], folder: Path, ready: Callable[[], bool], **environment: str
) -> Iterator[None]:
    with open(folder / "server.log", "wb") as log:
        server = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **environment}, stdout=log, stderr=log
        )
    try:
        end = time.monotonic() + START_SECONDS
        while not ready():
            said = (folder / "server.log").read_text(errors="replace")[-500:]
            assert server.poll() is None, f"{command[0]} ended: {said}"
            if time.monotonic() > end:
                pytest.fail(f"{command[0]} does not answer: {said}")
            time.sleep(0.05)
        yield
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def _draft() -> Iterator[Path]:
    TOOLS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=TOOLS, prefix="draft-") as draft:
        yield Path(draft) / "content"


def _install(folder: Path, *command: str, **environment: str) -> None:
    folder.mkdir()
    doing = " ".join(command)
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"`{doing}` did not end within {INSTALL_SECONDS} s")
    if done.returncode != 0:
        words = re.sub(r"\s+", " ", done.stderr)[-300:]
        pytest.skip(f"`{doing}` failed (no package registry?): {words}")


def _move(draft: Path, folder: Path) -> None:
    with contextlib.suppress(OSError):  # another run was quicker: its content is the same
        draft.rename(folder)

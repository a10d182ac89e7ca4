"""The reverse proxies of docs/operations.md, as written there, over TLS in front of a server.

Only what a machine decides is replaced: addresses, ports, the certificate's files.  A proxy that is
not installed comes from Debian's packages, once, into `.tools/proxies`; where it cannot be had the
test is skipped, and the skip says why.
"""

import contextlib
import datetime
import ipaddress
import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.operations.page_kit import PAGE
from tests.processes_kit import until

TOOLS = Path(__file__).parents[3] / ".tools" / "proxies"
INSTALL_SECONDS = 120
DOCUMENTED_SERVER = "127.0.0.1:8080"


class Proxy(NamedTuple):
    """A proxy that answers."""

    url: str
    certificate: Path


def documented(name: str) -> str:
    """The block of the page that begins behind the paragraph about this proxy."""
    [block] = re.findall(rf"^{name} \(tried.*?^```\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(block)


@contextlib.contextmanager
def nginx(server_port: int, folder: Path) -> Iterator[Proxy]:
    """nginx with the page's lines inside `http { }`."""
    program = _program("nginx")
    port, certificate, key = free_port(), *_certificate(folder)
    lines = _replaced(
        documented("nginx"),
        {
            "listen 443": f"listen 127.0.0.1:{port}",
            DOCUMENTED_SERVER: f"127.0.0.1:{server_port}",
            "/etc/ssl/questkeep.pem": str(certificate),
            "/etc/ssl/questkeep.key": str(key),
        },
    )
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    configuration = folder / "nginx.conf"
    configuration.write_text(
        f"daemon off; pid {folder}/nginx.pid; error_log stderr;\n"
        f"events {{ }}\nhttp {{ access_log off;\n{temporary}{lines}}}\n"
    )
    command = [program, "-e", "stderr", "-p", str(folder), "-c", str(configuration)]
    with _running(command, folder, port):
        yield Proxy(f"https://127.0.0.1:{port}", certificate)


@contextlib.contextmanager
def caddy(server_port: int, folder: Path) -> Iterator[Proxy]:
    """Caddy with the page's lines, and a certificate of the test's."""
    program = _program("caddy")
    port, certificate, key = free_port(), *_certificate(folder)
    lines = _replaced(
        documented("Caddy"),
        {
            "game.example.com {": f"https://127.0.0.1:{port} {{\n    tls {certificate} {key}",
            DOCUMENTED_SERVER: f"127.0.0.1:{server_port}",
        },
    )
    configuration = folder / "Caddyfile"
    configuration.write_text(f"{{\n    admin off\n    auto_https disable_redirects\n}}\n{lines}")
    command = [program, "run", "--adapter", "caddyfile", "--config", str(configuration)]
    with _running(command, folder, port):
        yield Proxy(f"https://127.0.0.1:{port}", certificate)


PROXIES: dict[str, Callable[[int, Path], contextlib.AbstractContextManager[Proxy]]] = {
    "nginx": nginx,
    "caddy": caddy,
}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def _replaced(block: str, replacements: dict[str, str]) -> str:
    for written, ours in replacements.items():
        assert block.count(written) == 1, f"the page has {written!r} {block.count(written)} times"
        block = block.replace(written, ours)
    return block


def _certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today)
        .not_valid_after(today + datetime.timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


def _program(package: str) -> str:
    """The program of a Debian package: installed, or unpacked from there without installing it."""
    installed = shutil.which(package, path=f"{os.environ['PATH']}:/usr/sbin")
    if installed is not None:
        return installed
    found = _unpacked(package)
    if found is None:
        if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
            pytest.skip(f"{package} is not installed, and this is no Debian")
        TOOLS.mkdir(parents=True, exist_ok=True)
        # Unpacked aside and then moved: what was broken off leaves nothing that looks whole.
        with tempfile.TemporaryDirectory(dir=TOOLS, prefix="draft-") as draft:
            _install(package, Path(draft))
            os.rename(Path(draft) / "root", TOOLS / package)
        found = _unpacked(package)
    assert found is not None, f"the package {package} has no program of that name"
    return str(found)


def _unpacked(package: str) -> Path | None:
    places = (TOOLS / package / "usr" / folder / package for folder in ("sbin", "bin"))
    return next((place for place in places if place.exists()), None)


def _install(package: str, draft: Path) -> None:
    options = ["-o", "APT::Sandbox::User=root"]
    steps = (["apt-get", *options, "download", package], ["dpkg", "-x", "*.deb", "root"])
    for step in steps:
        step = [part for word in step for part in ([*map(str, draft.glob(word))] or [word])]
        done = subprocess.run(
            step, cwd=draft, capture_output=True, text=True, timeout=INSTALL_SECONDS
        )
        if done.returncode != 0:
            pytest.skip(f"{package} cannot be had: {done.stderr[-300:]}")


@contextlib.contextmanager
def _running(command: list[str], folder: Path, port: int) -> Iterator[None]:
    with open(folder / "proxy.log", "wb") as log:
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "XDG_DATA_HOME": str(folder)}
        child = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        until(lambda: child.poll() is not None or _accepts(port))
        assert child.poll() is None, (folder / "proxy.log").read_text()
        yield
    finally:
        child.terminate()
        child.wait()


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True

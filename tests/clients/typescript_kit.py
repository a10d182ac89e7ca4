"""The TypeScript client, installed and built once, for the tests that run it.

Without node, or without a package registry, those tests are skipped and say why; where `CI` is set
only the first is an excuse.
"""

import os
import shutil
import subprocess
from functools import cache
from hashlib import blake2b
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "clients" / "typescript"
TOOLS = Path(__file__).parents[2] / ".tools" / "npm"
INSTALL_SECONDS = 300
RUN_SECONDS = 200
# Before this version Node hides its WebSocket behind a flag.
WEBSOCKET_NODE = 22


@cache
def built() -> Path:
    """The folder of the client, with its packages and `dist/`; built again if a source changed."""
    install(FOLDER)
    stamp = FOLDER / "node_modules" / ".built"
    sources = [FOLDER / "tsconfig.json", *sorted((FOLDER / "src").rglob("*.ts"))]
    digest = blake2b(b"".join(source.read_bytes() for source in sources)).hexdigest()
    is_there = (FOLDER / "dist" / "index.js").exists() and stamp.exists()
    if not is_there or stamp.read_text(encoding="utf-8") != digest:
        shutil.rmtree(FOLDER / "dist", ignore_errors=True)
        run(tool("tsc"), "-p", ".")
        stamp.write_text(digest, encoding="utf-8")
    return FOLDER


@cache
def packed() -> Path:
    """What `npm publish` would upload."""
    TOOLS.mkdir(parents=True, exist_ok=True)
    printed = run(
        "npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", TOOLS, folder=built()
    )
    return TOOLS / printed.strip().splitlines()[-1]


def install(folder: Path) -> None:
    """Install what the folder's `package.json` pins, unless it is there."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed: TypeScript cannot be built")
    stamp = folder / "node_modules" / ".installed"
    pins = (folder / "package.json").read_text(encoding="utf-8")
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != pins:
        _install(folder)
        stamp.write_text(pins, encoding="utf-8")


def install_packed(folder: Path) -> None:
    """Install the packed client there, without asking a registry."""
    quiet = ("--no-audit", "--no-fund", "--silent", "--legacy-peer-deps")
    run("npm", "install", *quiet, "--offline", "--no-save", packed(), folder=folder)


def tool(name: str, folder: Path = FOLDER) -> Path:
    """A program of an installed package; much quicker than `npx`."""
    return folder / "node_modules" / ".bin" / name


def node_command() -> str:
    """`node`, with a WebSocket."""
    version = run("node", "--version").strip().removeprefix("v")
    if int(version.partition(".")[0]) >= WEBSOCKET_NODE:
        return "node"
    return "node --experimental-websocket --no-warnings"


def run(*command: str | Path, folder: Path = FOLDER) -> str:
    """Run a program, and give what it printed; a failing one fails the test with its own words."""
    done = subprocess.run(
        list(map(str, command)), cwd=folder, capture_output=True, text=True, timeout=RUN_SECONDS
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def bundle(entry: str, path: Path, *options: str) -> Path:
    """One minified file of a source file and all it imports."""
    source = built() / "src" / entry
    run(tool("esbuild"), source, "--bundle", "--minify", f"--outfile={path}", *options)
    return path


def kit_bundle(folder: Path) -> str:
    """The client as the conformance kit drives it, for a page."""
    path = bundle("kit.ts", folder / "kit.js", "--global-name=kit")
    return path.read_text(encoding="utf-8")


def _install(folder: Path) -> None:
    done = subprocess.run(
        ("npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--silent"),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=INSTALL_SECONDS,
    )
    if done.returncode == 0:
        return
    if os.environ.get("CI"):
        pytest.fail(f"npm install failed: {done.stdout}{done.stderr}")
    pytest.skip(f"packages could not be installed: {done.stderr[-500:]}")

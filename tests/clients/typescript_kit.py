"""The TypeScript client, installed and built once, for the tests that run it.

Without node, or without a package registry, those tests are skipped and say why; where `CI` is set
only the first is an excuse.
"""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "clients" / "typescript"
STAMP = FOLDER / "node_modules" / ".installed"
INSTALL_SECONDS = 300
RUN_SECONDS = 200
# Before this version Node hides its WebSocket behind a flag.
WEBSOCKET_NODE = 22


@cache
def built() -> Path:
    """The folder of the client, with its packages and `dist/`."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed: the TypeScript client cannot be built")
    pins = (FOLDER / "package.json").read_text(encoding="utf-8")
    if not STAMP.exists() or STAMP.read_text(encoding="utf-8") != pins:
        _install()
        STAMP.write_text(pins, encoding="utf-8")
    run("npx", "tsc", "-p", ".")
    return FOLDER


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
    run("npx", "esbuild", source, "--bundle", "--minify", f"--outfile={path}", *options)
    return path


def _install() -> None:
    done = subprocess.run(
        ("npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--silent"),
        cwd=FOLDER,
        capture_output=True,
        text=True,
        timeout=INSTALL_SECONDS,
    )
    if done.returncode == 0:
        return
    if os.environ.get("CI"):
        pytest.fail(f"npm install failed: {done.stdout}{done.stderr}")
    pytest.skip(f"its packages could not be installed: {done.stderr[-500:]}")

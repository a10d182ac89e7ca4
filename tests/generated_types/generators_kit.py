"""The generators that client authors use, installed once into `.tools/types` at pinned versions.

Without node, or without a package registry, the tests that need them are skipped and say why; where
`CI` is set only the first is an excuse.
"""

import json
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
TOOLS = HERE.parents[1] / ".tools" / "types"
INSTALL_SECONDS = 300


@cache
def typescript_binaries() -> Path:
    """The folder of `openapi-typescript` and `tsc`."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed: TypeScript types cannot be generated")
    pins = HERE / "package.json"
    if not _is_installed("node", pins):
        shutil.copy(pins, TOOLS / "package.json")
        _install("npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--silent")
        _set_installed("node", pins)
    return TOOLS / "node_modules" / ".bin"


@cache
def python_generator() -> Path:
    """The program that makes Python types."""
    pins = HERE / "requirements.txt"
    binaries = TOOLS / "venv" / "bin"
    if not _is_installed("venv", pins):
        _install(sys.executable, "-m", "venv", "--clear", "venv")
        pip = (
            str(binaries / "python"),
            "-m",
            "pip",
            "install",
            "-q",
            "--disable-pip-version-check",
        )
        _install(*pip, "-r", str(pins))
        _set_installed("venv", pins)
    return binaries / "datamodel-codegen"


def generate_python(document: dict[str, Any], path: Path) -> None:
    """Write msgspec structs for everything that `document` describes."""
    source = path.with_name("openapi.json")
    source.write_text(json.dumps(document), encoding="utf-8")
    files = ("--input", source, "--output", path)
    kind = ("--input-file-type", "openapi", "--target-python-version", "3.11")
    options = "--output-model-type msgspec.Struct --use-msgspec-tagged-unions --formatters builtin"
    run(
        *(python_generator(), *files, *kind, *options.split(), "--disable-timestamp"),
        folder=path.parent,
    )
    source.unlink()


def generate_typescript(document: dict[str, Any], path: Path) -> None:
    """Write types for everything that `document` describes."""
    source = path.with_name("openapi.json")
    source.write_text(json.dumps(document), encoding="utf-8")
    run(typescript_binaries() / "openapi-typescript", source, "-o", path, folder=path.parent)
    source.unlink()


def run(*command: str | Path, folder: Path) -> None:
    """Run a program; a failing one fails the test with its own words."""
    done = subprocess.run(
        list(map(str, command)), cwd=folder, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _install(*command: str) -> None:
    done = subprocess.run(
        command, cwd=TOOLS, capture_output=True, text=True, timeout=INSTALL_SECONDS
    )
    if done.returncode == 0:
        return
    if os.environ.get("CI"):
        pytest.fail(f"{command[0]} failed: {done.stdout}{done.stderr}")
    pytest.skip(
        f"the generators could not be installed (no package registry?): {done.stderr[-500:]}"
    )


def _is_installed(name: str, pins: Path) -> bool:
    TOOLS.mkdir(parents=True, exist_ok=True)
    stamp = TOOLS / f"{name}.installed"
    return stamp.exists() and stamp.read_text(encoding="utf-8") == pins.read_text(encoding="utf-8")


def _set_installed(name: str, pins: Path) -> None:
    shutil.copy(pins, TOOLS / f"{name}.installed")

"""`make autobahn`: sections 1 to 7 and 10 of Autobahn against the WebSocket of live connections.

The suite is a program for Python 2.7: where none is found this says so, and has nothing to fail.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.gateway.live.echo_kit import echoing

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ROOT / ".tools" / "autobahn"
REPORTS = ROOT / "build" / "autobahn"
CASES = [f"{section}.*" for section in (1, 2, 3, 4, 5, 6, 7, 10)]
PASSED = {"OK", "NON-STRICT", "INFORMATIONAL"}


def candidates() -> Iterator[str]:
    """Where a Python 2.7 may be: on the path, or among those of pyenv."""
    if (found := shutil.which("python2.7")) is not None:
        yield found
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from map(str, sorted(pyenv.glob("versions/2.7*/bin/python2.7")))


def python_27() -> str | None:
    """One that runs, and can install packages."""
    for path in candidates():
        if subprocess.run([path, "-m", "pip", "--version"], capture_output=True).returncode == 0:
            return path
    return None


def install(python: str) -> None:
    """Get the suite, once."""
    if (PACKAGES / "zope" / "__init__.py").exists():
        return
    shutil.rmtree(PACKAGES, ignore_errors=True)
    pip = [python, "-W", "ignore", "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    target = ["--target", str(PACKAGES), "autobahntestsuite"]
    subprocess.run([*pip, *target], check=True, env={**os.environ, "PYTHONWARNINGS": "ignore"})
    # A folder that is not installed by name is a package only with this file in it.
    (PACKAGES / "zope" / "__init__.py").touch()


async def run(python: str) -> dict[str, dict[str, str]]:
    """What Autobahn thinks of each case."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    async with echoing() as port:
        specification = {
            "outdir": str(REPORTS),
            "servers": [{"agent": "questkeep", "url": f"ws://127.0.0.1:{port}"}],
            "cases": CASES,
        }
        (REPORTS / "fuzzingclient.json").write_text(json.dumps(specification), encoding="utf-8")
        suite = await asyncio.create_subprocess_exec(
            *(python, "-m", "autobahntestsuite.wstest", "-m", "fuzzingclient"),
            *("-s", str(REPORTS / "fuzzingclient.json")),
            stdout=asyncio.subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(PACKAGES)},
            cwd=REPORTS,
        )
        try:
            if await suite.wait():
                sys.exit(f"Autobahn ended with {suite.returncode}.")
        finally:
            if suite.returncode is None:
                suite.kill()
                await suite.wait()
    report: dict[str, dict[str, dict[str, str]]] = json.loads(
        (REPORTS / "index.json").read_text(encoding="utf-8")
    )
    return report["questkeep"]


def main() -> int:
    """Print how many cases ended how, and each that failed."""
    python = python_27()
    if python is None:
        print("No Python 2.7 with pip is here, which Autobahn needs: nothing was tried.")
        return 0
    install(python)
    cases = asyncio.run(run(python))
    counts = Counter(case["behavior"] for case in cases.values())
    print(", ".join(f"{count} {behavior}" for behavior, count in counts.most_common()))
    failed = [
        f"{name}: {case['behavior']}, its close {case['behaviorClose']}"
        for name, case in cases.items()
        if not {case["behavior"], case["behaviorClose"]} <= PASSED
    ]
    print("\n".join(failed) or f"All of {len(cases)} passed; the reports are in {REPORTS}.")
    return bool(failed) or not cases


if __name__ == "__main__":
    sys.exit(main())

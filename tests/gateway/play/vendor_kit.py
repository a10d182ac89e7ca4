"""The page's files that were made elsewhere: libraries from npm, and the TypeScript client built.

They are committed, so that a server needs no Node; `make page` makes them anew.

Not for: the page's own modules.
"""

import re
from pathlib import Path

from gateway.play.assets import FOLDER
from tests.clients import typescript_kit

VENDOR = FOLDER / "vendor"
CLIENT = "questkeep-client.js"
LIBRARIES = {
    "htm.js": "htm/dist/htm.mjs",
    "preact.js": "preact/dist/preact.mjs",
    "preact-hooks.js": "preact/hooks/dist/hooks.mjs",
    "signals.js": "@preact/signals/dist/signals.mjs",
    "signals-core.js": "@preact/signals-core/dist/signals-core.mjs",
    "uplot.js": "uplot/dist/uPlot.iife.min.js",
}
# What each module is called by those that import it.
MODULES = {
    "htm.js": "htm",
    "preact.js": "preact",
    "preact-hooks.js": "preact/hooks",
    "signals.js": "@preact/signals",
    "signals-core.js": "@preact/signals-core",
}
# Pages have no import map (it would be an inline script), so modules name each other by path.
PATHS = {package: f"./{name}" for name, package in MODULES.items()}
PACKAGES = ("preact", "@preact/signals", "@preact/signals-core", "htm", "uplot")


def made(folder: Path) -> dict[str, bytes]:
    """Every file by its name, from the pinned packages and the client's sources."""
    packages = typescript_kit.built() / "node_modules"
    files = {name: _library(packages / source) for name, source in LIBRARIES.items()}
    bundle = typescript_kit.bundle("index.ts", folder / CLIENT, "--format=esm")
    licences = [
        f"{name}\n\n{(packages / name / 'LICENSE').read_text(encoding='utf-8').strip()}\n"
        for name in PACKAGES
    ]
    files["LICENSES.txt"] = f"\n{'-' * 72}\n\n".join(licences).encode()
    return {**files, CLIENT: bundle.read_bytes()}


def _library(path: Path) -> bytes:
    text = path.read_text(encoding="utf-8")
    text = re.sub(r'from"([^".]+)"', lambda match: f'from"{PATHS[match[1]]}"', text)
    return re.sub(r"\n?//# sourceMappingURL=.*", "", text).encode()

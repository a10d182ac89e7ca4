"""Starts the command line on this installation's own packages, whatever else carries their names.

Our packages have short names (`domain`, `actors`, …) that a game's own code may have as well: in
the current folder, on `PYTHONPATH`, in the same environment.  Importing this module makes those
names mean the packages that stand beside it, for the whole process; every other name is found as
ever.  Ray's workers import it before anything else of ours.

Not for: doing anything (`cli`).  It imports nothing of ours before it is sure where from.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import NoReturn

PACKAGES = ("actors", "cli", "designer", "domain", "gateway", "persistence")
ROOT = os.path.dirname(os.path.abspath(__file__))

ADVICE = "Give Questkeep a Python environment of its own."
EXIT_WRONG_USE = 2


class OwnPackages:
    """Import finder: our packages come from `ROOT`, before anything on `sys.path` is looked at."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Where `name` is, if it is one of our packages; see `importlib.abc.MetaPathFinder`."""
        return PathFinder.find_spec(name, [ROOT]) if name in PACKAGES else None


def main() -> None:
    """Run the command line; what makes that impossible is one sentence and exit code 2."""
    _open_standard_streams()
    try:
        os.getcwd()
    except FileNotFoundError:
        _refuse("The current folder is gone: change to one that exists.")
    for module in _foreign_modules():
        _refuse(f"{module} was loaded before Questkeep's own package of that name. {ADVICE}")
    try:
        from cli.main import main as run

        run()
    except ImportError:
        for path in _replaced_files():
            _refuse(f"{path} is not the file that Questkeep was installed with. {ADVICE}")
        raise


def _open_standard_streams() -> None:
    """Lead streams that were closed (`2>&-`) to the null device.

    Otherwise the first files that are opened get their numbers, and what is meant for a terminal is
    written into a store or a connection.
    """
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is not None:
            continue
        null = os.open(os.devnull, os.O_RDWR)
        if null != number:
            os.dup2(null, number)
            os.close(null)
        os.set_inheritable(number, True)
        setattr(sys, name, open(number, mode, closefd=False))


def _foreign_modules() -> Iterator[str]:
    """Modules with our names that something else has loaded already, such as a `.pth` file."""
    for name in PACKAGES:
        module = sys.modules.get(name)
        origin = getattr(module, "__file__", None)
        if origin is not None and os.path.dirname(os.path.dirname(origin)) != ROOT:
            yield origin


def _replaced_files() -> Iterator[str]:
    """Files of our packages that another package of the environment has replaced or removed."""
    import hashlib
    from base64 import urlsafe_b64encode
    from importlib.metadata import files

    for file in files("questkeep") or ():
        if file.hash is None or file.parts[0] not in PACKAGES:
            continue
        path = os.fspath(file.locate())
        try:
            with open(path, "rb") as opened:
                digest = hashlib.new(file.hash.mode, opened.read()).digest()
        except OSError:
            digest = b""
        if urlsafe_b64encode(digest).rstrip(b"=").decode() != file.hash.value:
            yield path


def _refuse(sentence: str) -> NoReturn:
    print(sentence, file=sys.stderr)
    raise SystemExit(EXIT_WRONG_USE)


if OwnPackages not in sys.meta_path:
    sys.meta_path.insert(0, OwnPackages)

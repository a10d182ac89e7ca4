"""Starts the command line on this installation's own packages, whatever else carries their names.

Our packages have short names (`domain`, `actors`, …) that a game's own code may have as well: in
the current folder, on `PYTHONPATH`, in the same environment.  Importing this module makes those
names mean the packages that stand beside it, for the whole process; every other name is found as
ever.  Ray's workers import it before anything else of ours.

Not for: doing anything (`cli`).  It imports nothing of ours before it is sure where from.
"""

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import NoReturn

PACKAGES = (
    "actors",
    "cli",
    "designer",
    "domain",
    "gateway",
    "persistence",
    "questkeep_handles",
    "questkeep_testing",
)
ROOT = os.path.dirname(os.path.abspath(__file__))

ADVICE = "Give Questkeep a Python environment of its own."
EXIT_WRONG_USE = 2
COLUMNS_MIN = 80
"""In fewer, tables would cut numbers and names."""


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
    if "serve" in sys.argv[1:2]:
        _end_quietly_when_told()
    _look_here_first()
    _open_standard_streams()
    _widen_tiny_terminals()
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


def require_own_packages() -> None:
    """For code that is no command line of ours, but imports our packages.

    Raises:
        ImportError: another package of one of our names was loaded first.
    """
    for module in _foreign_modules():
        raise ImportError(
            f"{module} has the name of one of Questkeep's own packages "
            f"({', '.join(PACKAGES)}): both cannot be in one process, so rename it"
        )


def _end_quietly_when_told() -> None:
    """Take a server's signals while it is loaded: nothing has begun, so nothing has to be finished.

    The server puts its own handlers in their place.  A hang-up asks for the rules to be read anew,
    which it is about to do.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)


def _look_here_first() -> None:
    """Have Python's modules and this environment's found before others of their names.

    A game's `random.py` or `queue.py` on `PYTHONPATH` would be loaded in their place, here and in
    Ray's processes, which get the new order by the same variable.  What Python itself loads before
    this runs (`re`, `types`) cannot be helped.
    """
    named = os.environ.get("PYTHONPATH")
    if not named:
        return
    places = {os.path.abspath(place) for place in named.split(os.pathsep)}
    script = [] if sys.flags.safe_path else sys.path[:1]  # its folder, which children have not
    others = sys.path[len(script) :]
    own = [place for place in others if os.path.abspath(place) not in places]
    own += [place for place in others if os.path.abspath(place) in places]
    sys.path[:] = script + own
    os.environ["PYTHONPATH"] = os.pathsep.join(own)


def _widen_tiny_terminals() -> None:
    """Have lines and tables made for a width at which they can be read; a terminal breaks them."""
    import shutil  # no sooner than the signals are taken

    if shutil.get_terminal_size().columns < COLUMNS_MIN:
        os.environ["COLUMNS"] = str(COLUMNS_MIN)


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
    import csv
    import hashlib
    from base64 import urlsafe_b64encode
    from importlib.metadata import distributions

    installed = next(iter(distributions(name="questkeep", path=[ROOT])), None)
    record = installed.read_text("RECORD") if installed is not None else None
    # `files()` passes over what was removed, from Python 3.12 on.
    for name, digest, *_ in csv.reader((record or "").splitlines()):
        if not digest or name.partition("/")[0] not in PACKAGES:
            continue
        path = os.path.join(ROOT, name)
        mode, _, expected = digest.partition("=")
        try:
            with open(path, "rb") as opened:
                found = hashlib.new(mode, opened.read()).digest()
        except OSError:
            found = b""
        if urlsafe_b64encode(found).rstrip(b"=").decode() != expected:
            yield path


def _refuse(sentence: str) -> NoReturn:
    print(sentence, file=sys.stderr)
    raise SystemExit(EXIT_WRONG_USE)


if OwnPackages not in sys.meta_path:
    sys.meta_path.insert(0, OwnPackages)

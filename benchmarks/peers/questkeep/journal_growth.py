"""How much a Questkeep has journalled so far, whatever it has dropped again meanwhile."""

import contextlib
import threading
from pathlib import Path

LOOK_SECONDS = 0.2


class JournalGrowth:
    """Looks at the journal's files, which only grow until they are dropped, all the time.

    What is written to a file between the last look and its end is missed.
    """

    def __init__(self, store: Path) -> None:
        self._folder = store / "journals"
        self._sizes: dict[Path, int] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def bytes(self) -> int:
        """The sum of every file's greatest size."""
        self._look()
        return sum(self._sizes.copy().values())

    def close(self) -> None:
        """Look no more."""
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            self._look()

    def _look(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            for path in self._folder.rglob("*"):
                with contextlib.suppress(FileNotFoundError):
                    if path.is_file():
                        self._sizes[path] = max(self._sizes.get(path, 0), path.stat().st_size)

"""What a run says: where it ran, how far it is, a table at the end, and a file on request.

Not for: judging (`outcome`).
"""

import os
import platform
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.torture import outcome
from tests.torture.outcome import Outcome

PACKAGES = ("questkeep", "ray", "msgspec", "msgpack", "obstore", "moto")


def surroundings(seed: int) -> dict[str, Any]:
    """What the figures depend on."""
    return {
        "seed": seed,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "load_before": round(os.getloadavg()[0], 2),
        **{name: version(name) for name in PACKAGES},
    }


class Progressing:
    """A bar for each campaign on a terminal, a line at its end elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("starting", total=None)

    def __enter__(self) -> "Progressing":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def begin(self, name: str) -> outcome.Progress:
        """Show a new campaign; the result is told how far it is."""
        self._bar.reset(self._task, description=name, total=None)
        return lambda done, wanted: self._bar.update(self._task, completed=done, total=wanted)

    def end(self, found: Outcome) -> None:
        """Say in a line how it went."""
        word = "ok    " if found.passed else "FAILED"
        line = f"{word} {found.name}: {found.done} of {found.wanted} in {found.seconds} s"
        self._console.print(f"{line}, lost {found.lost}, doubled {found.doubled}", highlight=False)
        for failure in found.failures[:5]:
            self._console.print(f"       {failure[:500]}", highlight=False, markup=False)


def table(found: Iterable[Outcome]) -> Table:
    """One row a campaign."""
    shown = Table("campaign", "done", "lost", "doubled", "seconds", "figures")
    for one in found:
        figures = ", ".join(
            f"{name} {value}" for name, value in one.figures.items() if not isinstance(value, dict)
        )
        done = f"{one.done} of {one.wanted}"
        shown.add_row(one.name, done, str(one.lost), str(one.doubled), str(one.seconds), figures)
    return shown


def write(path: Path, facts: dict[str, Any], found: list[Outcome]) -> None:
    """The same for machines."""
    content = msgspec.json.encode({**facts, "campaigns": found})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(content, indent=2) + b"\n")

"""Pictures: what every drawing shares, and the one place that finds matplotlib.

matplotlib is an extra (`pip install 'questkeep[designer]'`): a server needs none.  The same numbers
give the same file, byte for byte, with the same matplotlib.

Not for: what is drawn (`designer.rules.plot`, `designer.simulation.plot`), or terminal charts
(`terminal`).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".svg", ".png")
BLUE, ORANGE, GREEN, RED, VIOLET, BROWN, GREY, OLIVE = (
    "#2f6db3",
    "#e08214",
    "#3a9a5b",
    "#c8443a",
    "#8564b0",
    "#8c6141",
    "#8a8a8a",
    "#a3a82c",
)
LINES = (BLUE, ORANGE, GREEN, VIOLET, RED, BROWN, OLIVE, GREY)

_STYLE: dict[str, Any] = {
    "svg.hashsalt": "questkeep",
    "svg.fonttype": "none",  # text stays text: a third of the size, and it can be searched
    "font.family": ["DejaVu Sans", "sans-serif"],
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.alpha": 0.3,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.linewidth": 1.6,
}


class CannotDraw(Exception):
    """There can be no picture; the message says why and what to do."""


def check_target(path: Path) -> None:
    """Say at once when there can be no picture at `path`.

    Raises:
        CannotDraw: matplotlib is not installed, or the file's suffix is none of `SUFFIXES`.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise CannotDraw(
            f"{path} ends in {path.suffix or 'nothing'}, expected one of {', '.join(SUFFIXES)}."
        )
    _matplotlib()


@contextmanager
def drawing(
    path: Path, title: str, size: tuple[float, float], rows: int, columns: int
) -> Iterator[Any]:
    """Panels to draw on, an array of `rows` by `columns`; at the end the picture stands at `path`.

    Raises:
        CannotDraw: the file cannot be written; an earlier picture is left as it was.
    """
    matplotlib = _matplotlib()
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=size, layout="constrained")
        figure.suptitle(title, fontsize=11, x=0.01, ha="left")
        yield figure.subplots(rows, columns, squeeze=False)
        _save(figure, path)


def _save(figure: "Figure", path: Path) -> None:
    """Complete or not at all."""
    kind = path.suffix.lower()[1:]
    unfinished = path.with_name(f".{path.name}.part")
    metadata = {"Date": None} if kind == "svg" else {"Software": None}
    try:
        figure.savefig(unfinished, format=kind, dpi=110, metadata=metadata)
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise CannotDraw(f"{path} cannot be written: {error.strerror}.") from None


def legend_below(axes: "Axes", columns: int) -> None:
    """The legend under the panel, where it covers nothing."""
    axes.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, -0.17),
        ncols=columns,
        columnspacing=1.2,
        handlelength=1.2,
    )


def thousands(axes: "Axes", *, x: bool = False, y: bool = True) -> None:
    """Numbers on the axes as people write them: 12,000."""
    if x:
        axes.xaxis.set_major_formatter("{x:,.0f}")
    if y:
        axes.yaxis.set_major_formatter("{x:,.0f}")


def name_chapters(axes: "Axes", names: Sequence[str]) -> None:
    """Chapter names under the bars; numbers where names would not fit."""
    if len(names) <= 8:
        axes.set_xticks(range(len(names)), names, rotation=20, ha="right")
    else:
        step = -(-len(names) // 12)
        shown = list(range(0, len(names), step))
        axes.set_xticks(shown, [str(place + 1) for place in shown])
        axes.set_xlabel("chapter")
    axes.grid(visible=False, axis="x")


def _matplotlib() -> Any:
    """matplotlib, drawing to files only: no window, no display."""
    try:
        import matplotlib
    except ImportError:
        raise CannotDraw(
            "Pictures need matplotlib, which is not installed here: "
            "pip install 'questkeep[designer]' brings it; without -o the terminal is drawn to."
        ) from None
    return matplotlib

"""One picture of the rules: every curve and every factor, side by side.

Not for: the numbers (`charts`), or charts in the terminal (`designer.drawing.chart`).
"""

from pathlib import Path
from typing import TYPE_CHECKING

from designer.drawing.chart import Chart
from designer.drawing.figures import LINES, drawing, thousands
from designer.rules.charts import charts
from designer.rules.penalty_charts import switched_off
from domain.rules.compiled_rules import Rules

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = 3
POINTS_MARKED_MAX = 40


def draw(rules: Rules, path: Path) -> None:
    """Write the picture.

    Raises:
        CannotDraw: it cannot be drawn or written here.
    """
    shown = charts(rules)
    rows = -(-len(shown) // COLUMNS)
    off = switched_off(rules)
    title = f"Rules {rules.name} ({rules.fingerprint}), level cap {rules.level_cap}"
    if off:
        title += f"; off: {', '.join(off)}"
    with drawing(path, title, (12, 0.5 + 2.9 * rows), rows, COLUMNS) as panels:
        cells = [axes for row in panels for axes in row]
        for axes, chart in zip(cells, shown, strict=False):
            _draw(axes, chart)
        for axes in cells[len(shown) :]:
            axes.set_axis_off()


def _draw(axes: "Axes", chart: Chart) -> None:
    for line, color in zip(chart.lines, LINES, strict=False):
        few = len(line.xs) <= POINTS_MARKED_MAX
        axes.plot(
            line.xs, line.ys, color=color, label=line.label, marker="o" if few else "", markersize=3
        )
    axes.set(title=chart.title, xlabel=chart.x_label, ylabel=chart.y_label)
    most = max(max(line.ys) for line in chart.lines)
    axes.set_ylim(
        chart.y_from, most + 0.06 * (most - chart.y_from) if most > chart.y_from else None
    )
    thousands(axes)
    if len(chart.lines) > 1:
        axes.legend()

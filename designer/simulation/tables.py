"""A simulated story in the terminal: a line for each chapter, one for each kind, and a chart.

Not for: the numbers (`report`), or pictures that are kept (`plot`).
"""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from designer.drawing.terminal import Chart, ChartLine, drawn
from designer.simulation.attribution import CAUSES
from designer.simulation.report import CauseShare, ChapterReport, Report, Spread
from designer.simulation.totals import BANDS

BAR_CELLS = 20
_BAND_STYLES = {
    "far_under": ("blue", "▓"),
    "under": ("cyan", "▒"),
    "on_pace": ("white", "·"),
    "over": ("yellow", "▒"),
    "far_over": ("red", "▓"),
}


def show(report: Report, console: Console) -> None:
    """Print it all."""
    console.print(
        f"[bold]{report.story}[/]: {report.players:,} players, {report.turns:,} turns, "
        f"seed {report.seed}, rules {report.rules} ({report.fingerprint})",
        highlight=False,
    )
    console.print(_chapters(report))
    console.print(_kinds(report))
    if report.goods:
        console.print(_goods(report))
    console.print(_over_time(report, colors=console.is_terminal), highlight=False, markup=False)


def _chapters(report: Report) -> Table:
    table = Table(title="Chapters: plan, outcome, and who is off", title_justify="left")
    table.add_column("chapter", no_wrap=True)
    for name in ("planned XP", "median", "10 to 90 %", "level out", "planned"):
        table.add_column(name, justify="right")
    table.add_column("under · on pace · over", no_wrap=True)
    table.add_column("main causes")
    for chapter in report.chapters:
        xp = chapter.actual_xp
        table.add_row(
            chapter.chapter_id,
            f"{chapter.planned_xp:,}",
            f"{xp.median:,}",
            f"{xp.p10:,} to {xp.p90:,}",
            _level(chapter.exit_millis.median),
            _level(chapter.planned_exit_millis),
            _bar(chapter.bands),
            _main_causes(chapter),
        )
    return table


def _kinds(report: Report) -> Table:
    table = Table(title="Kinds of players: their whole stories", title_justify="left")
    table.add_column("kind", no_wrap=True)
    table.add_column("players", justify="right")
    table.add_column("hours, 10 to 90 %", justify="right")
    for band in BANDS:
        table.add_column(band.replace("_", " "), justify="right")
    for kind in report.kinds:
        shares = [kind.bands[band] for band in BANDS]
        table.add_row(
            kind.name,
            f"{kind.players:,}",
            _hours(kind.minutes),
            *(f"{share / 10:.1f} %" if share else "-" for share in shares),
        )
    return table


def _goods(report: Report) -> Table:
    table = Table(title="Goods: what players hold in the end", title_justify="left")
    table.add_column("thing", no_wrap=True)
    for name in ("players who have any", "median", "10 to 90 %"):
        table.add_column(name, justify="right")
    for one in report.goods:
        held = one.held
        spread = f"{held.p10:,} to {held.p90:,}"
        share = f"{one.players / 10:.1f} %"
        table.add_row(f"{one.kind} {one.id}", share, f"{held.median:,}", spread)
    return table


def _over_time(report: Report, *, colors: bool) -> str:
    hours = [moment.minutes / 60 for moment in report.over_time]
    lines = [
        ChartLine(
            label, hours, [getattr(moment.levels, name) / 1000 for moment in report.over_time]
        )
        for name, label in (
            ("p10", "a tenth below"),
            ("median", "median"),
            ("p90", "a tenth above"),
        )
    ]
    return drawn(Chart("Level over hours played", "hours", "level", lines, 1), colors=colors)


def _bar(bands: dict[str, int]) -> Text:
    """The bands as a bar, and the shares at its ends in words."""
    text = Text()
    shown = done = 0
    for band, (style, cell) in _BAND_STYLES.items():
        done += bands[band]
        until = (BAR_CELLS * done + 500) // 1000
        text.append(cell * (until - shown), style)
        shown = until
    under = bands["far_under"] + bands["under"]
    over = bands["far_over"] + bands["over"]
    text.append(f" {_percent(under)} | {_percent(over)}")
    return text


def _main_causes(chapter: ChapterReport) -> str:
    under, over = chapter.main_cause_under, chapter.main_cause_over
    told = [_told("under", under), _told("over", over)]
    return "; ".join(one for one in told if one)


def _told(side: str, cause: CauseShare | None) -> str:
    if cause is None:
        return ""
    return f"{side}: {CAUSES[cause.cause]} {cause.permille / 10:+.0f} %"


def _percent(permille: int) -> str:
    return f"{permille / 10:>3.0f}%"


def _level(millis: int) -> str:
    return f"{millis / 1000:.1f}"


def _hours(minutes: Spread) -> str:
    return f"{minutes.p10 / 60:.1f} to {minutes.p90 / 60:.1f}"

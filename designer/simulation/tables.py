"""A simulated story in the terminal: a line for each chapter, one for each kind, and a chart.

Not for: the numbers (`report`), or pictures that are kept (`plot`).
"""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from designer.drawing.chart import Chart, ChartLine, drawn
from designer.drawing.terminal import add_numbers, add_text, new_table, print_tables
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
        f"{report.story}: rules {report.rules}, seed {report.seed}", markup=False, style="bold"
    )
    console.print(f"{report.players:,} players, {report.turns:,} turns")
    console.print(f"fingerprint of the rules {report.fingerprint}")
    console.print()
    print_tables(console, _chapters(report), _pace(report), _kinds(report))
    if report.goods:
        print_tables(console, _goods(report))
    console.print(_over_time(report, colors=console.is_terminal), highlight=False, markup=False)


def _chapters(report: Report) -> Table:
    table = new_table("Chapters: plan and outcome")
    add_text(table, "chapter")
    add_numbers(table, "planned XP", "median", "10 to 90 %", "planned level", "median")
    for chapter in report.chapters:
        xp = chapter.actual_xp
        table.add_row(
            Text(chapter.chapter_id),
            f"{chapter.planned_xp:,}",
            f"{xp.median:,}",
            f"{xp.p10:,} to {xp.p90:,}",
            _level(chapter.planned_exit_millis),
            _level(chapter.exit_millis.median),
        )
    table.caption = "levels are those at the chapter's end"
    return table


def _pace(report: Report) -> Table:
    table = new_table("Players who are off the plan, and why")
    add_text(table, "chapter")
    add_numbers(table, "under", "under to over", "over")
    add_text(table, "main causes")
    for chapter in report.chapters:
        bands = chapter.bands
        table.add_row(
            Text(chapter.chapter_id),
            _percent(bands["far_under"] + bands["under"]),
            _bar(bands),
            _percent(bands["over"] + bands["far_over"]),
            _main_causes(chapter),
        )
    table.caption = "▓ far under  ▒ under  · on pace  ▒ over  ▓ far over"
    return table


def _kinds(report: Report) -> Table:
    table = new_table("Kinds of players: their whole stories")
    add_text(table, "kind")
    add_numbers(table, "players", "hours")
    add_numbers(table, *(band.replace("_", " ") for band in BANDS))
    for kind in report.kinds:
        shares = [kind.bands[band] for band in BANDS]
        table.add_row(
            Text(kind.name),
            f"{kind.players:,}",
            _hours(kind.minutes),
            *(_percent(share) if share else "-" for share in shares),
        )
    table.caption = "hours: 10 to 90 % of the players"
    return table


def _goods(report: Report) -> Table:
    table = new_table("Goods: what players hold in the end")
    add_text(table, "thing")
    add_numbers(table, "players with any", "median", "10 to 90 %")
    for goods in report.goods:
        held = goods.held
        spread = f"{held.p10:,} to {held.p90:,}"
        share = f"{goods.players / 10:.1f} %"
        table.add_row(Text(f"{goods.kind} {goods.id}"), share, f"{held.median:,}", spread)
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
    """The five bands as a bar of `BAR_CELLS` cells."""
    text = Text()
    begin = share = 0
    for band, (style, cell) in _BAND_STYLES.items():
        share += bands[band]
        end = (BAR_CELLS * share + 500) // 1000
        text.append(cell * (end - begin), style)
        begin = end
    return text


def _main_causes(chapter: ChapterReport) -> str:
    sides = (("under", chapter.main_cause_under), ("over", chapter.main_cause_over))
    return "\n".join(_cause(side, cause) for side, cause in sides if cause is not None)


def _cause(side: str, cause: CauseShare) -> str:
    return f"{side}: {CAUSES[cause.cause]} {cause.permille / 10:+.0f}%"


def _percent(permille: int) -> str:
    return f"{permille / 10:.0f} %"


def _level(millis: int) -> str:
    return f"{millis / 1000:.1f}"


def _hours(minutes: Spread) -> str:
    return f"{minutes.p10 / 60:.1f} to {minutes.p90 / 60:.1f}"

"""Terminal output that can be read at 80 columns: a console, and tables that cut no number or key.

Not for: charts (`chart`).
"""

import shutil

from rich import box
from rich.console import Console
from rich.table import Table

ROWS_MAX = 24
PIPE_WIDTH = 120
"""Columns where neither a terminal nor `COLUMNS` says how many there are."""


def output_console() -> Console:
    """Standard output, as wide as the terminal, `COLUMNS` or `PIPE_WIDTH`."""
    width = shutil.get_terminal_size((PIPE_WIDTH, 24)).columns
    return Console(highlight=False, width=width)


def new_table(title: str) -> Table:
    """A table without side borders; give it columns with `add_text` and `add_numbers`."""
    return Table(
        title=title,
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )


def print_tables(console: Console, *tables: Table) -> None:
    """Each of them, with an empty line after it."""
    for table in tables:
        console.print(table)
        console.print()


def add_text(table: Table, *headings: str) -> None:
    """Columns of text that go on in the next line where they are too long."""
    for heading in headings:
        table.add_column(heading, overflow="fold")


def add_numbers(table: Table, *headings: str) -> None:
    """Columns of numbers, right-aligned and never broken."""
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)


def some_rows(count: int) -> list[int]:
    """Places out of `count` that fit on a screen: all of few; the first, the last, and between."""
    if count <= ROWS_MAX:
        return list(range(count))
    step = -(-count // ROWS_MAX)
    return sorted({0, 1, 2, *range(step - 1, count, step), count - 1})

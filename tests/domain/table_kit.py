"""Aligned text tables: one row a case, cells between bars.

The first line names the columns.  `#` starts a comment line, dashes draw a line, and a row whose
first cell is empty goes on with the row above it.  Not for what the cells mean (`script`).
"""

from pathlib import Path

import pytest

CASES = Path(__file__).parent / "cases"


def rows(text: str) -> list[dict[str, str]]:
    """The table's rows, each a mapping from the column's name to the cell's text."""
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith(("#", "---"))]
    columns = _cells(lines[0])
    found: list[dict[str, str]] = []
    for line in lines[1:]:
        cells = _cells(line)
        assert len(cells) == len(columns), f"{len(columns)} columns, but {len(cells)} in: {line}"
        row = dict(zip(columns, cells, strict=True))
        if cells[0]:
            found.append(row)
        else:
            found[-1] = {name: f"{found[-1][name]} {row[name]}".strip() for name in columns}
    return found


def params(text: str) -> list[object]:
    """The rows for `pytest.mark.parametrize("row", ...)`, named by their first cell."""
    found = rows(text)
    names = [next(iter(row.values())) for row in found]
    assert len(names) == len(set(names)), f"two rows of the same name in {names}"
    return [pytest.param(row, id=name) for row, name in zip(found, names, strict=True)]


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("|")]

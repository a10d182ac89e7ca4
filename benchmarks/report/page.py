"""`python -m benchmarks.report.page`: puts the table of goals, as it was measured, into the docs.

Apart from measuring, so that figures of a busy machine get there only if somebody wants them to.
"""

import sys
from pathlib import Path

from benchmarks.report.tables import RESULTS
from benchmarks.setup.processes import ROOT

PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- goals: begin -->", "<!-- goals: end -->"


def with_section(page: str, section: str) -> str:
    """The page with `section` between its two marks.

    Raises:
        ValueError: one of the marks is missing.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page lacks {BEGIN} or {END}")
    return f"{before}{BEGIN}\n{section.strip()}\n{END}{after}"


def main(source: Path = RESULTS / "goals.md", page: Path = PAGE) -> int:
    """0: the page has the table; 1: nothing was measured yet."""
    if not source.exists():
        print("nothing is there yet: make bench ARGS=--short", file=sys.stderr)
        return 1
    section = source.read_text(encoding="utf-8")
    page.write_text(with_section(page.read_text(encoding="utf-8"), section), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

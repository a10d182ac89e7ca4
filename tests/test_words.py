"""Words that were given up stay away: from the product, the tests, the scripts and the docs.

CHANGELOG.md and the records of decisions may use them, for they say what changed.
"""

from pathlib import Path

import pytest

from tests.words_kit import retired_words

ROOT = Path(__file__).parent.parent
SUFFIXES = (".py", ".md", ".toml", ".yaml", ".lua", ".js", ".sql")
EXEMPT = (
    "CHANGELOG.md",
    "docs/decisions/",
    "tests/golden/",
    "tests/words_kit.py",
    "tests/test_words.py",
)


def texts() -> list[Path]:
    folders = (
        "domain persistence actors gateway designer cli questkeep_handles questkeep_testing"
        " tests benchmarks examples docs"
    )
    found = [path for folder in folders.split() for path in (ROOT / folder).rglob("*")]
    names = (path for path in [*found, *ROOT.glob("*")] if path.suffix in SUFFIXES)
    return [path for path in names if not str(path.relative_to(ROOT)).startswith(EXEMPT)]


def test_no_retired_word_is_left() -> None:
    paths = texts()
    assert len(paths) > 300
    breaches = [
        breach
        for path in paths
        for breach in retired_words(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))
    ]
    assert breaches == [], "\n" + "\n".join(map(str, breaches))


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("the lane's call fails", "channel"),
        ("from actors.cluster.ray_cluster import x", "ray_runtime"),
        ("the first gateway starts it", "primary"),
        ("entries of the account", "history"),
        ("class Arena:", "system under test"),
    ],
)
def test_a_retired_word_is_found_with_what_took_its_place(line: str, instead: str) -> None:
    [breach] = retired_words("docs/a.md", f"\n{line}\n")
    assert breach.line == 2
    assert instead in breach.advice


@pytest.mark.parametrize("line", ["the plane", "this accounted for", "a planet's arenas"])
def test_words_that_only_look_like_it_pass(line: str) -> None:
    assert list(retired_words("docs/a.md", line)) == []

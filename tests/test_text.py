"""Every text file of the repository is UTF-8 without a byte order mark.

Not for what the text says.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.architecture_rules import text_is_utf8

ROOT = Path(__file__).parent.parent


def repository_files() -> list[str]:
    """What git tracks, and what it would if it were added: a mistake is found before the commit."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("not a git checkout, so there is no list of the repository's files")
    git = ["git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT), "ls-files", "-z"]
    listing = subprocess.run(
        [*git, "--cached", "--others", "--exclude-standard"], capture_output=True, check=True
    )
    return sorted(set(listing.stdout.decode().split("\0")) - {""})


def test_every_text_file_is_utf8_without_a_byte_order_mark() -> None:
    paths = [(path, ROOT / path) for path in repository_files()]
    breaches = [
        str(breach)
        for name, path in paths
        if path.is_file()
        for breach in text_is_utf8(name, path.read_bytes())
    ]
    assert not breaches, "\n" + "\n".join(breaches)


@pytest.mark.parametrize(
    ("content", "line", "advice"),
    [
        (b"\xef\xbb\xbf# title\n", 1, "byte order mark"),
        ("one\ntwo\nGrüße\n".encode("latin-1"), 3, "not UTF-8"),
        ("title".encode("utf-16-le"), 1, "NUL"),
        ("title".encode("utf-16"), 1, "not UTF-8"),
    ],
)
def test_a_file_in_another_encoding_is_caught(content: bytes, line: int, advice: str) -> None:
    breaches = list(text_is_utf8("docs/a.md", content))
    assert [b.line for b in breaches] == [line]
    assert advice in breaches[0].advice


def test_pictures_and_utf8_pass() -> None:
    assert list(text_is_utf8("docs/a.png", b"\x89PNG\0\xff")) == []
    assert list(text_is_utf8("docs/a.md", "Grüße, 世界\n".encode())) == []

"""What the page is built on is what its makers publish, and our client as it is now."""

from pathlib import Path

import pytest

from tests.gateway.play.vendor_kit import PACKAGES, VENDOR, made


@pytest.mark.slow
def test_every_file_is_as_it_is_made(tmp_path: Path) -> None:
    files = made(tmp_path)
    assert {path.name for path in VENDOR.iterdir()} == set(files)
    changed = [name for name, content in files.items() if (VENDOR / name).read_bytes() != content]
    assert changed == [], "run `make page`"


def test_the_licences_come_along() -> None:
    text = (VENDOR / "LICENSES.txt").read_text(encoding="utf-8")
    assert [name for name in PACKAGES if f"{name}\n\n" not in text] == []
    assert text.count("THE SOFTWARE IS PROVIDED") >= 4
    assert "Apache License" in text

"""What the page is built on is what its makers publish, and our client as it is now."""

import tomllib
from pathlib import Path

import pytest

from gateway.play.assets import FOLDER
from tests.clients import typescript_kit
from tests.gateway.play.vendor_kit import CLIENT, MODULES, PACKAGES, VENDOR, made


@pytest.mark.slow
def test_every_file_is_as_it_is_made(tmp_path: Path) -> None:
    files = made(tmp_path)
    assert {path.name for path in VENDOR.iterdir()} == set(files)
    changed = [name for name, content in files.items() if (VENDOR / name).read_bytes() != content]
    assert changed == [], "run `make page`"


ROOT = FOLDER.parents[2]
# What the page calls is there and takes what it is given; its modules declare no types.
CHECKED = (
    "--noEmit --allowJs --checkJs --strict --noImplicitAny false --strictNullChecks false "
    "--useUnknownInCatchVariables false "
    "--noUnusedLocals --skipLibCheck --target es2023 --lib es2023,dom,dom.iterable "
    "--module esnext --moduleResolution bundler"
)


@pytest.mark.slow
def test_the_pages_modules_agree_with_each_other_and_with_the_libraries(tmp_path: Path) -> None:
    client = typescript_kit.built()
    (tmp_path / "node_modules").symlink_to(client / "node_modules")
    sources = {
        **{f"./vendor/{name}": package for name, package in MODULES.items()},
        f"./vendor/{CLIENT}": str(client / "dist" / "index.js"),
    }
    for path in FOLDER.glob("*.js"):
        text = path.read_text(encoding="utf-8")
        for name, source in sources.items():
            text = text.replace(f'"{name}"', f'"{source}"')
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    compiler = client / "node_modules" / ".bin" / "tsc"
    typescript_kit.run(compiler, *CHECKED.split(), "main.js", folder=tmp_path)


def test_the_licences_come_along() -> None:
    text = (VENDOR / "LICENSES.txt").read_text(encoding="utf-8")
    assert [name for name in PACKAGES if f"{name}\n\n" not in text] == []
    assert text.count("THE SOFTWARE IS PROVIDED") >= 4
    assert "Apache License" in text


def test_every_file_goes_into_the_wheel() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["gateway"]
    packed = {path for pattern in patterns for path in (ROOT / "gateway").glob(pattern)}
    files = {path for path in FOLDER.rglob("*") if path.is_file()}
    assert len(files) > 20
    assert files <= packed

"""`make page`: the page's libraries and the client, taken from where they are made."""

import tempfile
from pathlib import Path

from tests.gateway.play.vendor_kit import VENDOR, made

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for name, content in made(Path(folder)).items():
            (VENDOR / name).write_bytes(content)

"""What code this process runs, as a short digest: two builds of one version differ in it.

Not for: versions (`gateway.versions`).
"""

from functools import cache
from hashlib import blake2b
from pathlib import Path

PACKAGES = ("actors", "domain", "gateway", "persistence")
"""Whatever serves users: commands and tools may differ between two machines."""
_ROOT = Path(__file__).parent.parent
DIGEST_BYTES = 4


@cache
def build() -> str:
    """The digest of the sources as they are on disk when it is asked for first: at the start."""
    digest = blake2b(digest_size=DIGEST_BYTES)
    for package in PACKAGES:
        for path in sorted((_ROOT / package).rglob("*.py")):
            digest.update(path.relative_to(_ROOT).as_posix().encode() + b"\0")
            digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()

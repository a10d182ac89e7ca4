"""The development secret: lets `serve` and `token` work together before anyone has set a secret.

It is a file `.questkeep/development-secret` in the working directory, readable by its owner alone.
`serve` and `token` started in the same folder find the same one, like `questkeep.toml` and
`./data`.  The folder ignores itself in git.

Not for: servers that others can reach.  `serve` refuses it on any address but loopback.
"""

import os
import secrets
from pathlib import Path

from domain.small_files import read_bytes

PLACE = Path(".questkeep") / "development-secret"


def development_secret(folder: Path) -> tuple[bytes, bool]:
    """The secret kept under `folder`, made at the first call; and whether it was made just now.

    Raises:
        OSError: the folder cannot be written.
        Unreadable: the file cannot be read.
        ValueError: the file is too short to be a secret.
    """
    path = folder / PLACE
    made = _make(path)
    secret = read_bytes(path).strip()
    if len(secret) < 32:
        raise ValueError(f"{path} holds {len(secret)} bytes, expected 32 or more: delete it")
    return secret, made


def _make(path: Path) -> bool:
    """Write a new secret unless there is one.  Of two that start at once, one writes.

    The file appears under its name with its content in it, so that nobody reads half a secret.
    """
    if path.exists():
        return False
    path.parent.mkdir(mode=0o700, exist_ok=True)
    ignore = path.parent / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(48) + "\n")
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True

"""From a store's URL to the store.

Not for: keeping a second server out (`disk_lock.lock_store`), or choosing a default URL
(`gateway.settings`).
"""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from persistence.disk import DiskStore
from persistence.memory import MemoryStore, world
from persistence.store import Store

_EXPECTED = "A store is named as file:///absolute/folder or memory://name"
_NOT_YET = ("s3", "gs", "az")


class BadStoreUrl(ValueError):
    """The URL names no store.  The message says what came and what is expected."""


def open_store(url: str) -> Store:
    """Open the store at `url`.  Touches no disk and no network: the store's methods do.

    Raises:
        BadStoreUrl: correct the setting.
    """
    parts = urlsplit(url)
    if parts.scheme == "file":
        return DiskStore(file_root(url))
    if parts.scheme == "memory":
        name = parts.netloc + parts.path
        return MemoryStore(world(name), name=name)
    if parts.scheme in _NOT_YET:
        raise BadStoreUrl(f"{parts.scheme}:// stores are not built yet; {url!r} came. {_EXPECTED}.")
    raise BadStoreUrl(f"{_EXPECTED}; {url!r} came.")


def file_root(url: str) -> Path:
    """Return the folder that a `file://` URL names.

    Raises:
        BadStoreUrl: it is no `file://` URL, or names another machine, no absolute folder or `/`.
    """
    parts = urlsplit(url)
    if parts.scheme != "file":
        raise BadStoreUrl(f"A file:// URL is expected; {url!r} came.")
    if parts.netloc not in ("", "localhost"):
        raise BadStoreUrl(
            f"A file:// store is on this machine, with three slashes and an absolute folder: "
            f"file:///srv/questkeep; {url!r} names the machine {parts.netloc!r}."
        )
    if parts.query or parts.fragment:
        raise BadStoreUrl(f"A file:// URL has no '?' or '#' part (write %3F, %23); {url!r} came.")
    root = Path(unquote(parts.path))
    if not url.startswith("file://") or not root.is_absolute() or root == Path("/"):
        raise BadStoreUrl(f"{_EXPECTED}, the folder not being /; {url!r} came.")
    return root

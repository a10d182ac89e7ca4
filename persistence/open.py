"""From a store's URL to the store.

Not for: keeping a second server out (`disk.lock.lock_store`), or choosing a default URL
(`gateway.settings_sources`).
"""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from persistence.disk.store import DiskStore
from persistence.memory import MemoryStore, world
from persistence.store import Store

_EXPECTED = (
    "A store is named as file:///absolute/folder, memory://name, s3://bucket/prefix, "
    "gs://bucket/prefix or az://container/prefix"
)
_BUCKETS = ("s3", "gs", "az")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_PREFIX = re.compile(r"(/(?!\.\.?(/|\Z))[A-Za-z0-9._=-]+)*/?")


class BadStoreUrl(ValueError):
    """The URL names no store.  The message says what came and what is expected."""


def open_store(url: str) -> Store:
    """Open the store at `url`.  Touches no disk and no network: the store's methods do.

    Object stores are reached, and credentials found, by the variables that each of them is known
    by.

    Raises:
        BadStoreUrl: correct the setting.
    """
    parts = urlsplit(url)
    if parts.scheme == "file":
        return DiskStore(file_root(url))
    if parts.scheme == "memory":
        name = parts.netloc + parts.path
        return MemoryStore(world(name), name=name)
    if parts.scheme in _BUCKETS:
        return _object_store(url)
    raise BadStoreUrl(f"{_EXPECTED}; {url!r} came.")


async def probe(store: Store) -> None:
    """Refuse a store whose promises are another's to keep and are not kept.  For every start.

    Raises:
        UnfitStore: name another store.
        Unavailable, NewerFormat, Corrupt: as the store's methods do.
    """
    from persistence.objects.store import ObjectStore

    if isinstance(store, ObjectStore):
        await store.probe()


def _object_store(url: str) -> Store:
    # Only whoever has a bucket pays for what it takes to reach one.
    from persistence.objects.obstore_bucket import ObstoreBucket
    from persistence.objects.store import ObjectStore

    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise BadStoreUrl(
            f"A {parts.scheme}:// URL holds no credentials: set them as that store's own tools "
            "want them (for instance AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)."
        )
    sound = _BUCKET.fullmatch(parts.netloc) and _PREFIX.fullmatch(parts.path)
    if not sound or parts.query or parts.fragment:
        raise BadStoreUrl(
            f"A bucket and a prefix of letters, digits and . _ = - are expected, as in "
            f"{parts.scheme}://bucket/questkeep; {url!r} came."
        )
    try:
        return ObjectStore(ObstoreBucket(url.rstrip("/")))
    except ValueError as error:
        raise BadStoreUrl(str(error)) from None


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
    if "\0" in str(root):
        raise BadStoreUrl(f"A folder's name has no zero byte (%00); {url!r} came.")
    if not url.startswith("file://") or not root.is_absolute() or root == Path("/"):
        raise BadStoreUrl(f"{_EXPECTED}, the folder not being /; {url!r} came.")
    return root

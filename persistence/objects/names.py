"""Where objects stand under the store's prefix.

- `STORE` says what this is, with its format.
- `streams/<host>/<incarnation>` stands as long as that stream may hold batches, so that listing
  streams costs one LIST, whatever tombstones there are.
- `journals/<host>/<incarnation>/<sequence>` is a batch or a fence: one name for both, which is what
  makes them exclude each other.
- `journals/<host>/<incarnation>/<sequence>.dropped` says that every batch up to there is covered.
- `snapshots/ab/cd/<user>` is a user's snapshot; ab and cd come from a hash of the user id, so that
  a bucket that splits its load by name can split ours.
- `notes/<name>` is a note of the operator's tools.
- `probe/` holds what `objects.probe` made and, after a crash, left.

Not for: what the objects contain (`objects.envelope`).
"""

import hashlib
import re

from persistence.store import StreamId

STREAMS = "streams"
SNAPSHOTS = "snapshots"
PROBE = "probe"
NOTES = "notes"

_DROPPED = ".dropped"
_NAME_LENGTH_MAX = 400
# Some servers drop a dot at an end, and no client passes "." or "..".
_UNSAFE = re.compile(r"\A\.|\.\Z|[^A-Za-z0-9_:@.-]")
_ESCAPED = re.compile(r"(?:![0-9A-F]{2})+")
_NUMBERED = re.compile(r"([0-9]{20})(\.dropped)?")


def word(text: str) -> str:
    """Return `text` as one safe part of a name; `original` gives it back.

    Raises:
        ValueError: it is empty or too long.
    """
    safe = _UNSAFE.sub(lambda match: "".join(f"!{byte:02X}" for byte in match[0].encode()), text)
    if not 0 < len(safe) <= _NAME_LENGTH_MAX:
        raise ValueError(f"a name of 1 to {_NAME_LENGTH_MAX} bytes is expected; {text!r} came")
    return safe


def original(safe: str) -> str:
    """The text that `word` made safe."""
    return _ESCAPED.sub(lambda match: bytes.fromhex(match[0].replace("!", "")).decode(), safe)


def is_ours(name: str) -> bool:
    """Whether Questkeep can have written an object of this name: `word` lets none begin with a dot.

    Servers over a file system list their own drafts, such as versitygw's `.alice.sgwtmp.17`.
    """
    return not name.rpartition("/")[2].startswith(".")


def standing(stream: StreamId) -> str:
    """The object that stands as long as the stream may hold batches."""
    return f"{STREAMS}/{word(stream.host)}/{stream.incarnation}"


def standing_of(host: str) -> str:
    """The folder of a host's `standing` objects."""
    return f"{STREAMS}/{word(host)}"


def stream_standing(name: str) -> StreamId:
    """The stream whose `standing` object has this name."""
    _, host, incarnation = name.split("/")
    return StreamId(original(host), incarnation)


def journals_of(host: str) -> str:
    """The folder of a host's journals."""
    return f"journals/{word(host)}"


def journal(stream: StreamId) -> str:
    """The folder of a stream's batches, fence and marks."""
    return f"{journals_of(stream.host)}/{stream.incarnation}"


def numbered(stream: StreamId, sequence: int) -> str:
    """The name that a batch and a fence compete for."""
    return f"{journal(stream)}/{sequence:020}"


def dropped(stream: StreamId, sequence: int) -> str:
    """The mark that says that snapshots cover every batch through `sequence`."""
    return numbered(stream, sequence) + _DROPPED


def number(name: str) -> tuple[int, bool] | None:
    """The sequence in a journal's name and whether it is a `.dropped`; None for other names."""
    match = _NUMBERED.fullmatch(name.rpartition("/")[2])
    return (int(match[1]), match[2] is not None) if match else None


def snapshot(user_id: str) -> str:
    """The user's snapshot, or a history page by its name."""
    place = hashlib.blake2b(user_id.encode(), digest_size=2).hexdigest()
    return f"{SNAPSHOTS}/{place[:2]}/{place[2:]}/{word(user_id)}"


def note(name: str) -> str:
    """A note of the operator's tools."""
    return f"{NOTES}/{word(name)}"


def user_of(name: str) -> str:
    """Whose snapshot has this name."""
    return original(name.rpartition("/")[2])

"""Whether a bucket keeps the conditions that Questkeep's promises rest on, tried out at start.

Some servers accept `If-None-Match` and `If-Match` and ignore them, or look and write in two steps:
then two hosts would own one user (P3) and snapshots would go backwards (P6).  A probe cannot prove
that a server always keeps them; it finds those that do not.

Not for: access rights and addresses: those fail as `Unavailable`.
"""

import contextlib
import secrets

from persistence.errors import Unavailable, UnfitStore
from persistence.objects import names
from persistence.objects.bucket import ConditionFailed, Tag
from persistence.objects.race_probe import several_create, several_replace
from persistence.objects.retries import Calls
from persistence.store_format import HEADER_NAME, decode_header, encode_header


async def probe(calls: Calls) -> None:
    """Return once the bucket has passed; leaves `STORE` behind, which says what this is.

    Raises:
        UnfitStore: it must not be used; the message says what it did.
        NewerFormat, Corrupt: what stands there is not for this Questkeep.
        Unavailable: it did not answer.
    """
    await _recognise(calls)
    name = f"{names.PROBE}/{secrets.token_hex(16)}"
    try:
        await _creates_once(calls, name)
        await _lists(calls, name)
        await _replaces_only_what_was_seen(calls, name)
    finally:
        with contextlib.suppress(Unavailable):
            await calls.delete([name])
    for race, place in ((several_create, f"{name}-create"), (several_replace, f"{name}-replace")):
        deed = await race(calls, place)
        if deed is not None:
            raise _unfit(calls, deed)


async def format_found(calls: Calls) -> int | None:
    """The format of what stands there; None where nothing was ever written.

    Raises:
        NewerFormat, Corrupt: what stands there is not for this Questkeep.
    """
    header = await calls.get(HEADER_NAME)
    return None if header is None else decode_header(header.content, _place(calls))


async def _recognise(calls: Calls) -> None:
    if await format_found(calls) is None:
        decode_header(await calls.create(HEADER_NAME, encode_header()), _place(calls))


def _place(calls: Calls) -> str:
    return f"{calls.url}/{HEADER_NAME}"


async def _creates_once(calls: Calls, name: str) -> None:
    first, second = secrets.token_bytes(64), secrets.token_bytes(64)
    await calls.create(name, first)
    refused = await calls.repeat("probe", lambda: _refused(calls, name, second, None))
    if not refused or await _content(calls, name) != first:
        raise _unfit(calls, "created an object where one stood: it ignores If-None-Match")


async def _lists(calls: Calls, name: str) -> None:
    if name not in await calls.names(names.PROBE):
        raise _unfit(calls, "did not list an object it had just taken")


async def _replaces_only_what_was_seen(calls: Calls, name: str) -> None:
    seen = await calls.get(name)
    if seen is None:
        raise _unfit(calls, "did not find an object it had just taken")
    second, third = secrets.token_bytes(64), secrets.token_bytes(64)
    taken = not await calls.repeat("probe", lambda: _refused(calls, name, second, seen.tag))
    if not taken and await _content(calls, name) != second:
        raise _unfit(calls, "refused to replace an object that was unchanged")
    refused = await calls.repeat("probe", lambda: _refused(calls, name, third, seen.tag))
    if not refused or await _content(calls, name) != second:
        raise _unfit(calls, "replaced an object that had changed: it ignores If-Match")
    await calls.delete([name])
    refused = await calls.repeat("probe", lambda: _refused(calls, name, third, seen.tag))
    if not refused or await calls.get(name) is not None:
        raise _unfit(calls, "replaced an object that was gone: it ignores If-Match")


async def _refused(calls: Calls, name: str, content: bytes, tag: Tag | None) -> bool:
    try:
        if tag is None:
            await calls.bucket.create(name, content)
        else:
            await calls.bucket.replace(name, content, tag)
    except ConditionFailed:
        return True
    return False


async def _content(calls: Calls, name: str) -> bytes | None:
    stored = await calls.get(name)
    return stored.content if stored else None


def _unfit(calls: Calls, deed: str) -> UnfitStore:
    return UnfitStore(
        f"{calls.url} {deed}. Questkeep needs a store that keeps conditional writes; two servers "
        "could serve one user on this one."
    )

"""How long the dead take to be folded, and what opening a store with a million users looks at.

Not for: whether recovery is right (`kills`).
"""

import asyncio
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from actors.host.host import Host
from actors.messages import Ask, Media
from domain.messages.commands import decode_command
from persistence.disk.lock import lock_store
from persistence.disk.snapshots import SNAPSHOTS, Snapshots
from persistence.disk.store import DiskStore
from persistence.journal.recovery import fold
from tests.torture.outcome import Outcome
from tests.torture.plan import HOST, settings

LISTINGS_MAX = 10
AT_ONCE = 500


async def recovery_speed(turns: int, users: int) -> Outcome:
    """Journal so many turns, let the host die, and time the fold."""
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="questkeep-recovery-"))
    try:
        await _journal(folder, turns, users)
        store = DiskStore(folder)
        streams = await store.streams(HOST)
        started = time.monotonic()
        folded = await fold(store, streams, 128)
        seconds = time.monotonic() - started
        await store.close()
    finally:
        shutil.rmtree(folder)
    figures = {"users": users, "fold_seconds": round(seconds, 2), "records": folded.records}
    failures = [] if folded.records == turns else [f"{folded.records} records of {turns}"]
    spent = round(time.monotonic() - began, 1)
    name = f"recovery of {turns:,} turns, {users:,} users"
    return Outcome(name, folded.records, turns, 0, 0, spent, figures, failures)


async def _journal(folder: Path, turns: int, users: int) -> None:
    """Quests and grants of all users in turn; no checkpoint, and no end but death."""
    store = DiskStore(folder)
    never = {"snapshot_every": 10**9, "checkpoint_bytes": 2**40}
    chosen = settings(folder.as_uri(), mailbox_depth_max=AT_ONCE, **never)
    clock = iter(range(10**15, 2 * 10**15))
    host = Host(HOST, store, chosen, now=lambda: next(clock), on_fenced=lambda: None)
    for start in range(0, turns, AT_ONCE):
        numbers = range(start, min(turns, start + AT_ONCE))
        replies = await host.ask([_command(number, number % users) for number in numbers])
        assert not any(reply.code for reply in replies), replies[0]
    await host.tasks.wait_idle()
    await store.close()


def _command(number: int, user: int) -> Ask:
    fields: dict[str, Any] = {"command_id": f"c{number}"}
    if number % 40 == 0:
        fields |= {"type": "offer_quest", "quest_id": f"q{number}", "reward": {"experience": 5}}
    else:
        fields |= {"type": "grant_player_progression_experience", "amount": 1}
    return Ask.of(f"u{user}", decode_command(fields), Media.MSGPACK)


async def many_users(users: int) -> Outcome:
    """Open a store with so many users and serve one of them; count the folders that are listed."""
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="questkeep-users-"))
    try:
        await _populate(folder, users)
        listings: list[str] = []
        _listened.append(listings)
        started = time.monotonic()
        with lock_store(folder, "here"):
            store = DiskStore(folder)
            await fold(store, await store.streams(), 128)
            chosen = settings(folder.as_uri())
            host = Host(HOST, store, chosen, now=lambda: 10**15, on_fenced=lambda: None)
            (reply,) = await host.ask([_command(0, 7)])
            seconds = time.monotonic() - started
            _listened.remove(listings)
            await store.close()
    finally:
        await asyncio.to_thread(shutil.rmtree, folder)
    snapshots = {one for one in listings if SNAPSHOTS in one}
    figures = {
        "open_and_first_reply_ms": round(1000 * seconds, 1),
        "folders_listed": len(listings),
        "snapshot_folders_listed": len(snapshots),
    }
    failures = [] if len(listings) <= LISTINGS_MAX and not reply.code else [str(listings[:20])]
    spent = round(time.monotonic() - began, 1)
    name = f"a store with {users:,} users opens"
    return Outcome(name, users, users, 0, 0, spent, figures, failures)


async def _populate(folder: Path, users: int) -> None:
    """One user as a host writes them, and as many names beside as users would have."""
    store = DiskStore(folder)
    chosen = settings(folder.as_uri())
    host = Host(HOST, store, chosen, now=lambda: 10**15, on_fenced=lambda: None)
    await host.ask([_command(1, 7)])
    await host.drain()
    await store.close()
    await asyncio.to_thread(_link_users, folder, users)


def _link_users(folder: Path, users: int) -> None:
    """Hard links: a name each, no content of its own.  One file has some 60,000 names at most."""
    places = Snapshots(folder)
    sources: dict[Path, Path] = {}
    for number in range(users):
        place = places._folder(f"someone-{number}")
        name = place / f"someone-{number}~{1:020}.snapshot"
        if place not in sources:
            place.mkdir(parents=True, exist_ok=True)
            name.touch()
            sources[place] = name
        else:
            os.link(sources[place], name)


_listened: list[list[str]] = []


def _listen(event: str, arguments: tuple[Any, ...]) -> None:
    if _listened and event in ("os.listdir", "os.scandir"):
        for listings in _listened:
            listings.append(str(arguments[0]))


# A hook cannot be taken away again: it is there once, and listens only when somebody wants it.
sys.addaudithook(_listen)

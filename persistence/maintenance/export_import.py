"""Users out of a store as JSON lines, and into any store.

An export holds what a server would serve, also what is only journalled, and may be taken while one
serves.  An import never overwrites what is as new unless `replace` says so, and leaves receipts of
both behind (`overwrite`).

Not for: files and flags (`cli.store.commands`), or a consistent copy of a whole store (`backup`).
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence

from msgspec import Struct

from persistence.errors import Corrupt, NewerFormat
from persistence.maintenance.exclusive import exclusive_access
from persistence.maintenance.export_format import line_of, user_in
from persistence.maintenance.overwrite import Outcome, put
from persistence.maintenance.user_history import CompleteUser
from persistence.maintenance.user_views import (
    AT_ONCE,
    OnProgress,
    as_async_iterator,
    gather_all,
    map_concurrently,
    no_progress,
    read_complete_user,
    unfolded_records,
    user_ids,
)
from persistence.store import Store


class Exported(Struct, frozen=True):
    """One user of an export: their line, or what is wrong with them; neither for nobody."""

    user_id: str
    line: bytes | None
    damage: Corrupt | NewerFormat | None = None


class ImportOutcome(Struct, frozen=True):
    """What became of one user of an import or a restore."""

    user_id: str
    outcome: Outcome


async def export(store: Store, users: Sequence[str] = ()) -> AsyncIterator[Exported]:
    """Each of `users`, or everyone.  A damaged user is reported, and the next one follows.

    Raises:
        Corrupt, NewerFormat: a journal is damaged, so that nobody's newest state is certain.
        Unavailable: as the store raises it.
    """
    journals = await unfolded_records(store, set(users) or None)

    async def exported(user_id: str) -> Exported:
        try:
            user = await read_complete_user(store, user_id, journals)
        except (Corrupt, NewerFormat) as error:
            return Exported(user_id, None, error)
        return Exported(user_id, None if user is None else line_of(user))

    everyone = as_async_iterator(users) if users else user_ids(store, journals.keys())
    async for line in map_concurrently(everyone, exported):
        yield line


async def import_lines(
    store: Store,
    lines: Iterable[bytes],
    name: str,
    *,
    owner: str,
    replace: bool = False,
    on_progress: OnProgress = no_progress,
) -> AsyncIterator[ImportOutcome]:
    """Put every user of an export into `store`; `name` says in messages where the lines stand.

    A user is written whole or not at all, and doing it again changes nothing more: an import that
    stopped half-way is run once more.

    Raises:
        StoreInUse, UnfitStore, Unavailable: see `exclusive_access`.
        Corrupt, NewerFormat: a line, or what it would be laid over; users before it are written.
    """
    async with exclusive_access(store, owner):
        for portion in _portions(_users_in(lines, name)):
            outcomes = await gather_all(put(store, user, replace=replace) for user in portion)
            for user, outcome in zip(portion, outcomes, strict=True):
                on_progress()
                yield ImportOutcome(user.user_id, outcome)


def _users_in(lines: Iterable[bytes], name: str) -> Iterator[CompleteUser]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield user_in(line, f"{name} line {number}")


def _portions(users: Iterator[CompleteUser]) -> Iterator[list[CompleteUser]]:
    """Some users at a time, no user twice among them."""
    portion: dict[str, CompleteUser] = {}
    for user in users:
        if len(portion) == AT_ONCE or user.user_id in portion:
            yield list(portion.values())
            portion = {}
        portion[user.user_id] = user
    yield list(portion.values())

"""What `questkeep store …` does: opens stores, runs the tool, says what came of it.

Not for: arguments (`commands`), words for people (`output`), or the tools themselves
(`persistence.maintenance`).
"""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Iterator
from pathlib import Path
from typing import IO, Any, NoReturn, TypeVar

import typer

from actors.cluster.placement import dedicated_host
from cli.progress import Bar
from cli.store import output as shown
from domain.ids import ID_RULE, is_user_id
from gateway.settings import WrongSettings, load
from persistence.errors import Corrupt, NewerFormat, StorageError
from persistence.maintenance import backup as backups
from persistence.maintenance import deletion, export_import, inspection, verification
from persistence.maintenance.exclusive import may_be_served
from persistence.maintenance.export_import import ImportOutcome
from persistence.maintenance.manifest import read_manifest
from persistence.open import BadStoreUrl, open_store
from persistence.store import Store

DAMAGE, WRONG_USE, INTERRUPTED = 1, 2, 130

_Item = TypeVar("_Item")


def inspect(url: str | None, user: str | None, *, users: bool, as_json: bool) -> None:
    """See `store_cli`."""

    async def work() -> int:
        async with _reading(url) as store:
            if user is not None:
                _check_user(user)
                found = await inspection.inspect_user(store, user)
                if found is None:
                    _fail([f"Nothing is stored of {user} in {store.url}."])
                shown.print_user(found, as_json)
                return 0
            with Bar("Looking") as bar:
                everything = await inspection.inspect_store(
                    store, users=users, on_progress=bar.step
                )
            shown.print_store(everything, as_json)
            return DAMAGE if any(one.damage for one in everything.streams) else 0

    _run(work())


def verify(url: str | None, *, as_json: bool) -> None:
    """See `store_cli`."""

    async def work() -> int:
        async with _reading(url, damaged=True) as store:
            with Bar("Verifying") as bar:
                found = await verification.verify(store, bar.step)
            shown.print_verified(found, as_json)
            return DAMAGE if found.damages else 0

    _run(work())


def export(url: str | None, users: list[str], out: Path | None) -> None:
    """See `store_cli`."""

    async def work() -> int:
        for user in users:
            _check_user(user)
        written, code = 0, 0
        async with _reading(url) as store:
            with _output(out) as file, Bar("Exporting") as bar:
                async for one in _closing(export_import.export(store, users)):
                    bar.step()
                    if one.line is not None:
                        file.write(one.line)
                        written += 1
                    elif one.damage is not None:
                        typer.echo(f"DAMAGE {one.user_id}: {one.damage}", err=True)
                        code = DAMAGE
                    elif users:
                        typer.echo(f"Nothing is stored of {one.user_id}.", err=True)
                        code = code or WRONG_USE
        typer.echo(f"{shown.count(written, 'user')} exported.", err=True)
        return code

    _run(work())


def import_(url: str | None, file: str | None, *, replace: bool, as_json: bool) -> None:
    """See `store_cli`."""

    async def work() -> int:
        name = "stdin" if file == "-" else str(file)
        with _input(file) as lines, Bar("Importing") as bar:
            async with _writing(url) as store:
                imported = export_import.import_lines(
                    store,
                    lines,
                    name,
                    owner=_owner("import"),
                    replace=replace,
                    on_progress=bar.step,
                )
                told = [one async for one in _closing(imported)]
                shown.print_told(store.url, told, as_json)
        return 0

    _run(work())


def backup(url: str | None, destination: str, *, as_json: bool) -> None:
    """See `store_cli`."""

    async def work() -> int:
        async with _reading(url) as store, _opened(_url(destination)) as target:
            with Bar("Copying") as bar:
                done = await backups.back_up(
                    store, target, owner=_owner("backup"), clock=_now, on_progress=bar.step
                )
            shown.print_backup(target.url, done, as_json)
            return DAMAGE if done.damages else 0

    _run(work())


def restore(backup: str, url: str | None, users: list[str], *, as_json: bool) -> None:
    """See `store_cli`."""

    async def work() -> int:
        async with _reading(backup) as source, _writing(url) as store:
            total = len(users) or (await read_manifest(source)).users
            with Bar("Restoring", total) as bar:
                restored = backups.restore(
                    source, store, users, owner=_owner("restore"), on_progress=bar.step
                )
                all_told = [one async for one in _closing(restored)]
            damages = [one for one in all_told if not isinstance(one, ImportOutcome)]
            for one in damages:
                typer.echo(f"DAMAGE {one.user_id}: {one.damage}", err=True)
            told = [one for one in all_told if isinstance(one, ImportOutcome)]
            shown.print_told(store.url, told, as_json)
            return DAMAGE if damages else 0

    _run(work())


def delete(url: str | None, user: str, *, as_json: bool) -> None:
    """See `store_cli`."""

    async def work() -> int:
        _check_user(user)
        async with _reading(url) as store:
            await _warn(store)
            known = await deletion.delete(
                store, user, [dedicated_host(user)], owner=_owner("delete")
            )
            shown.print_deleted(store.url, user, known, as_json)
            return 0

    _run(work())


def _run(work: Coroutine[Any, Any, int]) -> NoReturn:
    """Run to the end and leave with its exit code; every failure is one sentence."""
    try:
        code = asyncio.run(work)
    except Corrupt as error:
        typer.echo(f"DAMAGE {error}", err=True)
        code = DAMAGE
    except (StorageError, BadStoreUrl, WrongSettings) as error:
        _fail(getattr(error, "problems", [str(error)]))
    except OSError as error:
        _fail([f"{error.filename or 'A file'}: {error.strerror}."])
    except KeyboardInterrupt:
        code = INTERRUPTED
    raise typer.Exit(code)


@contextlib.asynccontextmanager
async def _opened(url: str) -> AsyncIterator[Store]:
    if url.startswith("memory:"):
        _fail(["memory:// lives inside one server and ends with it: nothing else can reach it."])
    store = open_store(url)
    try:
        yield store
    finally:
        await store.close()


@contextlib.asynccontextmanager
async def _reading(place: str | None, *, damaged: bool = False) -> AsyncIterator[Store]:
    """A store in which something stands; `damaged` lets one through that cannot be recognised."""
    async with _opened(_url(place)) as store:
        try:
            stands = await store.format() is not None or await store.streams()
        except (Corrupt, NewerFormat):
            if not damaged:
                raise
            stands = True
        if not stands:
            _fail([f"Nothing is stored in {store.url}."])
        yield store


@contextlib.asynccontextmanager
async def _writing(place: str | None) -> AsyncIterator[Store]:
    async with _opened(_url(place)) as store:
        await _warn(store)
        yield store


async def _warn(store: Store) -> None:
    """On disk a lock keeps servers out; elsewhere only people can."""
    if store.url.startswith("file:"):
        return
    if await may_be_served(store):
        typer.echo(
            f"Warning: a server stands for {store.url}, or was killed. If it runs it is shut out "
            "now and has to be started again.",
            err=True,
        )
    typer.echo(f"Start no server on {store.url} until this is done.", err=True)


def _url(place: str | None) -> str:
    """A URL as it came, a folder as its URL, or the settings' store."""
    if place is None:
        return load({}).settings.store
    return place if "://" in place else Path(place).absolute().as_uri()


def _owner(command: str) -> str:
    """Who a server that is started meanwhile meets."""
    return f"questkeep store {command}"


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


async def _closing(items: AsyncIterator[_Item]) -> AsyncIterator[_Item]:
    """`items`, whose locks are let go here and not whenever the garbage is collected."""
    assert isinstance(items, AsyncGenerator)
    async with contextlib.aclosing(items):
        async for item in items:
            yield item


@contextlib.contextmanager
def _output(out: Path | None) -> Iterator[IO[bytes]]:
    """Stdout, or a file that is there whole or not at all, for its owner's eyes only."""
    if out is None:
        yield typer.get_binary_stream("stdout")
        return
    draft = out.with_name(f"{out.name}.part")
    fd = os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with open(fd, "wb") as file:
        yield file
        file.flush()
        os.fsync(fd)
    os.replace(draft, out)


def _input(file: str | None) -> contextlib.AbstractContextManager[IO[bytes]]:
    if file == "-":
        return contextlib.nullcontext(typer.get_binary_stream("stdin"))
    return open(str(file), "rb")


def _check_user(user: str) -> None:
    if not is_user_id(user):
        _fail([f"The user is {user[:60]!r}, expected {ID_RULE}, and not 'me'."])


def _fail(problems: list[str]) -> NoReturn:
    for problem in problems:
        typer.echo(problem, err=True)
    raise typer.Exit(WRONG_USE)

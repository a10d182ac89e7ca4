"""What each `questkeep store` command does, as a coroutine that returns the exit code.

A module of its own, imported when a command runs, so that `--help` answers at once.

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
from cli.exit import BAD_CONTENT, DONE, INTERRUPTED, NOT_DONE, fail, fail_from
from cli.progress import Bar
from cli.stderr_log import log_to_stderr
from cli.store import output
from cli.store.places import opened, reading, warn, writing
from domain.ids import ID_RULE, is_user_id
from gateway.settings import WrongSettings
from persistence.errors import Corrupt, StorageError
from persistence.maintenance import backup as backups
from persistence.maintenance import deletion, export_import, inspection, verification
from persistence.maintenance.export_import import ImportOutcome
from persistence.maintenance.manifest import read_manifest
from persistence.open import BadStoreUrl

_Item = TypeVar("_Item")


def run(action: Coroutine[Any, Any, int]) -> NoReturn:
    """Run `action` to its end and leave with its exit code; every failure is one sentence."""
    log_to_stderr()  # what takes long says how far it is
    try:
        code = asyncio.run(action)
    except Corrupt as error:
        typer.echo(f"DAMAGE {error}", err=True)
        code = BAD_CONTENT
    except (StorageError, BadStoreUrl, WrongSettings) as error:
        fail_from(error)
    except OSError as error:
        fail(f"{error.filename or 'A file'}: {error.strerror}.")
    except KeyboardInterrupt:
        code = INTERRUPTED
    raise typer.Exit(code)


async def inspect(url: str | None, user: str | None, *, users: bool, as_json: bool) -> int:
    """Print one user, or the store in numbers; 1 when a journal is damaged."""
    async with reading(url) as store:
        if user is not None:
            _check_user(user)
            stored = await inspection.inspect_user(store, user)
            if stored is None:
                fail(f"Nothing is stored of {user} in {store.url}.")
            output.print_user(stored, as_json)
            return DONE
        with Bar("Looking") as bar:
            numbers = await inspection.inspect_store(store, users=users, on_progress=bar.step)
        output.print_store(numbers, as_json)
        return BAD_CONTENT if any(stream.damage for stream in numbers.streams) else DONE


async def verify(url: str | None, *, as_json: bool) -> int:
    """Print all damage; 1 when there is any."""
    async with reading(url, damaged=True) as store:
        with Bar("Verifying") as bar:
            verified = await verification.verify(store, bar.step)
        output.print_verified(verified, as_json)
        return BAD_CONTENT if verified.damages else DONE


async def export(url: str | None, users: list[str], out: Path | None) -> int:
    """Write users as lines; 1 when one is damaged, 2 when one who was named is not there."""
    for user in users:
        _check_user(user)
    written, code = 0, DONE
    async with reading(url) as store:
        with _output(out) as file, Bar("Exporting") as bar:
            async for exported in _closing(export_import.export(store, users)):
                bar.step()
                if exported.line is not None:
                    file.write(exported.line)
                    written += 1
                elif exported.damage is not None:
                    typer.echo(f"DAMAGE {exported.user_id}: {exported.damage}", err=True)
                    code = BAD_CONTENT
                elif users:
                    typer.echo(f"Nothing is stored of {exported.user_id}.", err=True)
                    code = code or NOT_DONE
    typer.echo(f"{output.count(written, 'user')} exported.", err=True)
    return code


async def import_(url: str | None, file: str | None, *, replace: bool, as_json: bool) -> int:
    """Put the users of an export into the store, and print what became of each."""
    name = "stdin" if file == "-" else str(file)
    with _input(file) as lines, Bar("Importing") as bar:
        async with writing(url) as store:
            imported = export_import.import_lines(
                store,
                lines,
                name,
                owner=_owner("import"),
                replace=replace,
                on_progress=bar.step,
            )
            outcomes = [outcome async for outcome in _closing(imported)]
            output.print_outcomes(store.url, outcomes, as_json)
    return DONE


async def backup(url: str | None, destination: str, *, as_json: bool) -> int:
    """Copy the store; 1 when damaged users were left out."""
    async with reading(url) as store, opened(destination) as target:
        with Bar("Copying") as bar:
            summary = await backups.back_up(
                store, target, owner=_owner("backup"), clock=_now, on_progress=bar.step
            )
        output.print_backup(target.url, summary, as_json)
        return BAD_CONTENT if summary.damages else DONE


async def restore(place: str, url: str | None, users: list[str], *, as_json: bool) -> int:
    """Put users back from the backup at `place`; 1 when one cannot be read there."""
    async with reading(place) as source, writing(url) as store:
        total = len(users) or (await read_manifest(source)).users
        with Bar("Restoring", total) as bar:
            restored = backups.restore(
                source, store, users, owner=_owner("restore"), on_progress=bar.step
            )
            results = [result async for result in _closing(restored)]
        damages = [result for result in results if not isinstance(result, ImportOutcome)]
        for damage in damages:
            typer.echo(f"DAMAGE {damage.user_id}: {damage.damage}", err=True)
        outcomes = [result for result in results if isinstance(result, ImportOutcome)]
        output.print_outcomes(store.url, outcomes, as_json)
        return BAD_CONTENT if damages else DONE


async def delete(url: str | None, user: str, *, as_json: bool) -> int:
    """Remove one user, whether anything was stored of them or not."""
    _check_user(user)
    async with reading(url) as store:
        await warn(store)
        hosts = [dedicated_host(user)]
        was_stored = await deletion.delete(store, user, hosts, owner=_owner("delete"))
        output.print_deleted(store.url, user, was_stored, as_json)
        return DONE


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
    """Stdout, or a file that is complete or not there at all, for its owner's eyes only."""
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
        fail(f"The user is {user[:60]!r}, expected {ID_RULE}, and not 'me'.")

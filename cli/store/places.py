"""Stores as people name them (a URL, a folder, or the settings' store), opened to read or to write.

Not for: what is done with them (`actions`).
"""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import typer

from cli.exit import fail
from gateway.settings_sources import credentials_warning, load
from persistence.errors import Corrupt, NewerFormat
from persistence.maintenance.exclusive import may_be_served
from persistence.open import open_store
from persistence.store import Store


@contextlib.asynccontextmanager
async def opened(place: str | None) -> AsyncIterator[Store]:
    """The store at `place`, closed at the end.

    Raises:
        BadStoreUrl, WrongSettings: there can be no store of that name.
    """
    url = _url(place)
    if url.startswith("memory:"):
        fail("memory:// lives inside one server and ends with it: nothing else can reach it.")
    store = open_store(url)
    if (warning := credentials_warning(url)) is not None:
        typer.echo(warning, err=True)
    try:
        yield store
    finally:
        await store.close()


@contextlib.asynccontextmanager
async def reading(place: str | None, *, damaged: bool = False) -> AsyncIterator[Store]:
    """A store that holds something; with `damaged` also one that cannot be recognised."""
    async with opened(place) as store:
        try:
            is_used = await store.format() is not None or await store.streams()
        except (Corrupt, NewerFormat):
            if not damaged:
                raise
            is_used = True
        if not is_used:
            fail(f"Nothing is stored in {store.url}.")
        yield store


@contextlib.asynccontextmanager
async def writing(place: str | None) -> AsyncIterator[Store]:
    """A store that no server may serve meanwhile."""
    async with opened(place) as store:
        await warn(store)
        yield store


async def warn(store: Store) -> None:
    """Say that no server may run.  On disk a lock keeps servers out; elsewhere only people can."""
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
    if place is None:
        return load({}).settings.store
    return place if "://" in place else Path(place).absolute().as_uri()

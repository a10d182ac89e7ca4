"""Preflight checks: what can be wrong is found before anything slow begins.

Rules, tokens, address, the store's lock and the store itself, in this order.

Not for: settings one by one (`settings`), or Ray (`actors.cluster`).
"""

from contextlib import ExitStack

import structlog
from msgspec import Struct

from actors.host.settings import HostSettings
from domain.rules.compiled_rules import InvalidRules, Rules, compile_rules
from gateway.auth.authenticator import Keys
from gateway.auth.jwks import KeySet
from gateway.auth.jwks_fetch import JwksError
from gateway.auth.tokens import Signing, keys, signing
from gateway.http.listener import Address, CannotListen, free_address
from gateway.settings import Settings, WrongSettings
from gateway.settings_sources import rules_text
from persistence.disk.lock import lock_store
from persistence.errors import StorageError
from persistence.open import file_root, open_store, probe

log = structlog.get_logger("questkeep.serve")


class CannotStart(Exception):
    """The server cannot start.  The message says what was found and what to do."""


class Checked(Struct):
    """What a server is started with, once it was found to be right."""

    settings: Settings
    rules: Rules
    host_settings: HostSettings
    signing: Signing
    address: Address


def check(settings: Settings, held: ExitStack) -> Checked:
    """Check what takes no time; the store's lock is left in `held`.

    Raises:
        WrongSettings, CannotStart: nothing was started.
    """
    text = rules_text(settings)
    try:
        rules = compile_rules(text)
    except InvalidRules as error:
        where = settings.rules or "the default rules"
        raise WrongSettings([f"{where}: {problem}." for problem in error.problems]) from None
    how_signed = signing(settings)
    try:
        address = free_address(settings.host, settings.port)
        if settings.store.startswith("file:"):
            held.enter_context(lock_store(file_root(settings.store), address.url))
    except (CannotListen, StorageError) as error:
        raise CannotStart(str(error)) from None
    host_settings = HostSettings(
        store_url=settings.store,
        rules_text=text,
        receipt_window=settings.receipt_window,
        mailbox_depth_max=settings.mailbox_depth_max,
        idle_seconds=settings.idle_seconds,
        snapshot_every=settings.snapshot_every,
        limits=settings.limits,
        log_level=settings.log_level,
    )
    return Checked(settings, rules, host_settings, how_signed, address)


async def load_keys(checked: Checked) -> Keys:
    """What tokens are verified with.

    A key file has to be right from the start; a provider that is down now may come back.

    Raises:
        WrongSettings: the key file cannot be used.
    """
    settings = checked.settings
    token_keys = keys(checked.signing, settings)
    if isinstance(token_keys, KeySet):
        try:
            await token_keys.load()
        except JwksError as error:
            if settings.jwks is None or not settings.jwks.startswith("http"):
                raise WrongSettings([f"jwks is {settings.jwks}, but {error}."]) from None
            log.error("the key set could not be fetched", reason=str(error))
    return token_keys


async def check_store(settings: Settings) -> None:
    """Refuse a store that does not keep its promises.

    Raises:
        CannotStart: it does not, or does not answer.
    """
    store = open_store(settings.store)
    try:
        await probe(store)
    except StorageError as error:
        raise CannotStart(str(error)) from None
    finally:
        await store.close()

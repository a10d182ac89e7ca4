"""Mutation tests: promises of the API and of tokens are broken in turn, and a check has to fail."""

import json
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any

import jwt
import msgspec
import pytest

from actors.host import host
from actors.messages import Ask
from actors.user import views
from domain.messages.commands import Command, decode_command
from gateway.api.commands import endpoints, execution, reading
from gateway.api.commands.validation import CommandChecker
from gateway.auth import authenticator, jwks
from gateway.auth.authenticator import Authenticator, Caller
from tests.gateway import promises_kit as promises
from tests.gateway.auth.jwks_kit import RSA, document, jwk

Patch = pytest.MonkeyPatch


async def fails(check: Coroutine[Any, Any, None]) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        await check


async def test_a_cache_that_is_keyed_by_the_header_is_caught(monkeypatch: Patch) -> None:
    caller = Authenticator.caller

    async def by_header(self: Authenticator, authorization: bytes | None) -> Caller:
        verified = await caller(self, authorization)
        self._remember(authorization or b"", verified)
        return verified

    monkeypatch.setattr(Authenticator, "caller", by_header)
    await fails(promises.one_token_is_remembered_once())


async def test_a_header_without_a_limit_is_caught(monkeypatch: Patch) -> None:
    monkeypatch.setattr(authenticator, "HEADER_BYTES_MAX", 1 << 30)
    await fails(promises.a_long_header_is_refused())


async def test_times_that_are_left_to_the_library_are_caught(monkeypatch: Patch) -> None:
    monkeypatch.setattr(authenticator, "_OPTIONS", {"require": ["exp", "iat", "sub", "aud"]})
    monkeypatch.setattr(authenticator, "_check_times", lambda claims, now: None)
    await fails(promises.a_time_is_a_number_in_reach(str(2**40)))
    await fails(promises.a_time_is_a_number_in_reach(10**400))


async def test_a_key_set_that_falls_with_one_key_is_caught(monkeypatch: Patch) -> None:
    keys = document(jwk(RSA, "bad", alg="none"), jwk(RSA, "good"))
    check = promises.a_key_that_cannot_be_read_says_nothing_of_the_others
    await check(keys)
    monkeypatch.setattr(jwks, "_key", jwt.PyJWK)
    await fails(check(keys))


async def test_content_that_is_compared_as_it_was_spelt_is_caught(monkeypatch: Patch) -> None:
    spelling = {}
    check = CommandChecker.check

    def remember(self: CommandChecker, value: Any) -> Any:
        command = check(self, value)
        spelling[command.command_id] = json.dumps(value).encode()
        return command

    def as_spelt(user_id: str, command: Command, *form: Any) -> Ask:
        content = spelling[command.command_id]
        return Ask(user_id, command.command_id, command.type, content, *form[:1])

    def read(type_: str, content: bytes) -> Command:
        return decode_command(json.loads(content))

    monkeypatch.setattr(reading, "read_typed_body", lambda *_: None)
    monkeypatch.setattr(CommandChecker, "check", remember)
    monkeypatch.setattr(Ask, "of", as_spelt)
    monkeypatch.setattr("actors.messages.read_canonical", read)
    await fails(promises.a_command_in_another_spelling_is_the_same())


async def test_refusals_that_each_name_a_hundred_fields_are_caught(monkeypatch: Patch) -> None:
    check = CommandChecker.check

    def anew(self: CommandChecker, value: Any) -> Any:
        return check(CommandChecker(self._caller), value)

    monkeypatch.setattr(CommandChecker, "check", anew)
    await fails(promises.the_refusals_of_a_list_name_a_hundred_fields_together())


async def test_answers_in_the_order_in_which_they_came_are_caught(monkeypatch: Patch) -> None:
    async def by_user(users: Any, entries: Sequence[Any]) -> list[Any]:
        return await execution.execute(users, sorted(entries, key=lambda each: str(each.user_id)))

    monkeypatch.setattr(endpoints, "execute", by_user)
    await fails(promises.each_command_of_a_batch_is_answered_in_its_place())


async def test_problems_that_stand_behind_the_replies_are_caught(monkeypatch: Patch) -> None:
    async def replies_first(users: Any, entries: Any) -> Any:
        outcomes = await execution.execute(users, entries)
        return sorted(outcomes, key=lambda outcome: outcome.code)

    monkeypatch.setattr(endpoints, "execute", replies_first)
    await fails(promises.each_command_of_a_batch_is_answered_in_its_place())


async def test_a_dry_run_that_is_carried_out_is_caught(monkeypatch: Patch) -> None:
    turn = host.Host._turn

    def wet(self: Any, activation: Any, actor: Any, pending: Any, request: Ask, *older: Any) -> Any:
        carried_out = msgspec.structs.replace(request, dry_run=False)
        return turn(self, activation, actor, pending, carried_out, *older)

    monkeypatch.setattr(host.Host, "_turn", wet)
    await fails(promises.nothing_comes_of_a_dry_run())


async def test_a_page_that_begins_with_the_row_before_it_is_caught(monkeypatch: Patch) -> None:
    def including(keys: Iterable[str], key: str) -> list[str]:
        names = list(keys)
        return names[names.index(key) :] if key else names

    monkeypatch.setattr(views, "_after", including)
    await fails(promises.a_page_ends_where_the_next_begins())


async def test_unbroken_the_promises_are_kept() -> None:
    await promises.one_token_is_remembered_once()
    await promises.a_long_header_is_refused()
    for claim in ("9" * 12, 10**400, True, None, float("nan")):
        await promises.a_time_is_a_number_in_reach(claim)
    await promises.a_command_in_another_spelling_is_the_same()
    await promises.the_refusals_of_a_list_name_a_hundred_fields_together()
    await promises.each_command_of_a_batch_is_answered_in_its_place()
    await promises.nothing_comes_of_a_dry_run()
    await promises.a_page_ends_where_the_next_begins()

"""While a long list of commands is checked, other requests are answered."""

import asyncio

import pytest

from gateway.api.commands import validation
from gateway.api.commands.validation import check_all


async def test_others_have_their_turns_while_a_list_is_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(validation, "CHECK_SECONDS", 0.0)
    checked: list[object] = []

    def check(command: object) -> object:
        checked.append(command)
        return command

    whole = asyncio.create_task(check_all(check, range(100)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert 0 < len(checked) < 100
    assert await whole == list(range(100))

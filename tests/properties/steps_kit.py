"""Sequences of commands, decided one by one, and ways of looking at what came of them."""

import random
from collections.abc import Iterator
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from domain.decide.dispatch import decide
from domain.messages.commands import Command
from domain.messages.decision import Decision
from domain.messages.events import AnyEvent
from domain.messages.rejections import Rejection
from domain.rules.compiled_rules import Rules
from domain.state.user_state import NOTHING, UserState

Step = tuple[UserState, Command, Decision | Rejection, UserState]


def steps(state: UserState, rules: Rules, commands: list[Command]) -> Iterator[Step]:
    """(state before, command, answer, state after), one command after the other."""
    for now, command in enumerate(commands, start=1):
        answer = decide(state, command, now, rules)
        changed = isinstance(answer, Decision) and answer.changes != NOTHING
        after = state.put(answer.changes) if changed else state
        yield state, command, answer, after
        state = after


def events_of(state: UserState, rules: Rules, commands: list[Command]) -> list[AnyEvent]:
    return [
        event
        for _, _, answer, _ in steps(state, rules, commands)
        if isinstance(answer, Decision)
        for event in answer.events
    ]


def numbers(value: object) -> Iterator[int]:
    """Every integer inside `value`."""
    if isinstance(value, int):
        yield value
    elif isinstance(value, Struct):
        yield from numbers(list(asdict(value).values()))
    elif isinstance(value, dict):
        yield from numbers(list(value.values()))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from numbers(one)


def not_zero(amounts: dict[str, int]) -> dict[str, int]:
    return {name: amount for name, amount in amounts.items() if amount}


def shuffled(value: Any, dice: random.Random) -> Any:
    """The same content with the keys of every mapping in another order."""
    if isinstance(value, dict):
        keys = list(value)
        dice.shuffle(keys)
        return {key: shuffled(value[key], dice) for key in keys}
    return [shuffled(one, dice) for one in value] if isinstance(value, list) else value

"""Rules that change under a running host: for every user at once, between two turns."""

import asyncio
from pathlib import Path

import pytest

from actors.cluster.host_actor import DedicatedHost
from actors.cluster.rules_broadcast import tell_all, tell_rules
from actors.errors import HostGone, UserUnavailable
from actors.transport.addresses import RunningHost
from actors.transport.call_channel import decode_replies, encode_batch
from actors.user.rules import RulesInForce
from domain.rules.compiled_rules import InvalidRules, compile_rules
from tests.actors.host_kit import RULES_TEXT, Rig, ask, body, grant, look, settings
from tests.conformance.cluster_kit import OTHER_RULES, OTHER_RULES_TEXT


async def test_users_in_memory_are_decided_by_the_new_rules_from_the_next_turn_on() -> None:
    rig = Rig()
    (before,) = await ask(rig.host, grant("u", "c1", 1))
    rig.host.rules.change(OTHER_RULES_TEXT)
    (after,) = await ask(rig.host, grant("v", "c1", 5))
    assert "level_reached" not in str(body(before)["events"])
    assert body(after)["changes"]["player_progression"]["level"] == 2


async def test_a_turn_on_its_way_keeps_the_rules_it_was_decided_by() -> None:
    rig = Rig()
    await ask(rig.host, grant("u", "c1", 1))
    rig.faults.before_append = asyncio.Event()
    asked = asyncio.create_task(ask(rig.host, grant("u", "c2", 1)))
    await asyncio.sleep(0)
    rig.host.rules.change(OTHER_RULES_TEXT)
    rig.faults.before_append.set()
    (reply,) = await asked
    old = compile_rules(RULES_TEXT).fingerprint
    assert [one["rules"] for one in body(reply)["changes"]["history"]] == [old]
    (later,) = await ask(rig.host, grant("u", "c3", 1))
    assert [one["rules"] for one in body(later)["changes"]["history"]] == [OTHER_RULES]


def test_broken_rules_leave_those_in_force_as_they_are() -> None:
    in_force = RulesInForce(RULES_TEXT)
    before = in_force.rules
    with pytest.raises(InvalidRules):
        in_force.change("name = 5")
    assert in_force.rules is before


def test_the_same_text_again_compiles_nothing() -> None:
    in_force = RulesInForce(RULES_TEXT)
    before = in_force.rules
    in_force.change(RULES_TEXT)
    assert in_force.rules is before


async def test_a_user_process_that_came_back_waits_to_be_told_the_rules(tmp_path: Path) -> None:
    process = RunningHost("this node", 1, "worker")
    own = settings(store_url=f"file://{tmp_path}")
    host = DedicatedHost("user:u", own, lambda: process, lambda: None)
    batch = encode_batch([[look("u"), look("u")]])
    [untold] = decode_replies(await host.ask(batch))
    assert [(reply.code, reply.retry_elsewhere) for reply in untold] == [("draining", True)] * 2
    await host.change_rules(OTHER_RULES_TEXT)
    [replies] = decode_replies(await host.ask(batch))
    assert [reply.code for reply in replies] == ["", ""]
    await host.drain()


class Told:
    """A host that notes what it is told, and may change what is in force while it listens."""

    def __init__(self, newer: list[str] | None = None, error: Exception | None = None) -> None:
        self.texts: list[str] = []
        self.in_force = "one"
        self._newer = newer or []
        self._error = error

    async def call(self, method: str, *arguments: str) -> None:
        assert method == "change_rules"
        if self._error is not None:
            raise self._error
        self.texts += arguments
        if self._newer:
            self.in_force = self._newer.pop(0)


async def test_rules_that_change_while_a_host_is_told_are_told_again() -> None:
    host = Told(newer=["two", "three"])
    await tell_rules(host, lambda: host.in_force)
    assert host.texts == ["one", "two", "three"]


@pytest.mark.parametrize("error", [HostGone("gone"), UserUnavailable("cannot start")])
async def test_a_host_that_is_gone_keeps_nobody_else_from_being_told(error: Exception) -> None:
    well = Told()
    await tell_all([Told(error=error), well], lambda: "one")
    assert well.texts == ["one"]


async def test_a_bug_in_a_host_is_raised() -> None:
    with pytest.raises(ValueError, match="bug"):
        await tell_all([Told(error=ValueError("bug"))], lambda: "one")

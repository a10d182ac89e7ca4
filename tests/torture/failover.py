"""Failover nemesis: hosts paused while a successor takes over, or held before their disk answers.

A paused host that wakes up stale may still send a reply that was on its way, if what it says stood
before the takeover: that reply is true, and its successor knows it.  Anything else it acknowledges
is counted as `stale` (P3).

Not for: deaths (`kills`).
"""

import time
from collections.abc import Sequence
from typing import Any

import msgpack

from actors.messages import Ask, Media, Read, Reply, Request, View
from domain.messages.commands import decode_command
from tests.torture.config import CampaignConfig
from tests.torture.host_process import HostDied, HostProcess
from tests.torture.outcome import Outcome, milliseconds, outcome
from tests.torture.plan import WHOLE_WINDOW
from tests.torture.system import SystemUnderTest

PAUSED_AT = (
    "",  # anywhere
    "journal.before_append",
    "journal.mid_append",
    "journal.after_append",
    "journal.after_sync",
    "host.before_reply",
    "host.checkpoint",
    "host.checkpointed",
    "snapshot.before_write",
    "snapshot.before_rename",
    "snapshot.after_rename",
    "journal.before_drop",
)
HELD_AT = PAUSED_AT[1:5]
RARE = frozenset({"journal.before_drop"})
"""Steps that many turns lie between: a host is paused at the first one, not one of the next."""


async def pauses(
    config: CampaignConfig, cycles: int, mutant: str = "", paused_at: Sequence[str] = PAUSED_AT
) -> Outcome:
    """SIGSTOP, takeover, SIGCONT; again with the successor (R5)."""
    began, done = time.monotonic(), 0
    ends: list[float] = []
    late = stayed = 0
    async with config.system("pauses", mutant, receipt_window=WHOLE_WINDOW) as system:
        host = await system.start_host()
        while done < cycles and not system.checker.violations:
            step = paused_at[done % len(paused_at)]
            await _pause(system, host, step)
            successor = await system.start_idle_host()
            host.leave_behind()
            if system.audit_now():
                await system.audit(successor)
            await system.router.route_to(successor)
            await system.answers(successor, system.dice.randint(20, 120))
            began_to_end = time.monotonic()
            stayed += not await _wake(system, host, done)
            ends.append(time.monotonic() - began_to_end)
            late += await _judge_late(system, host, successor)
            host, done = successor, done + 1
            config.progress(done, cycles)
        if not system.checker.violations:
            await system.finish()
    found = outcome("pause, takeover, resume", system, done, cycles, began)
    if not ends:
        return found
    found.figures |= {
        "stale_acknowledgements": sum(one.kind == "stale" for one in system.checker.violations),
        "true_replies_that_came_late": late,
        "stale_host_ends_p50_ms": milliseconds(ends, 0.5),
        "stale_host_ends_max_ms": milliseconds(ends, 1),
    }
    if stayed:
        found.failures.append(f"{stayed} stale hosts did not end by themselves")
    return found


async def _pause(system: SystemUnderTest, host: HostProcess, step: str) -> None:
    await system.answers(host, system.dice.randint(20, 120))
    if step:
        arrival = 1 if step in RARE else system.dice.randint(1, 4)
        host.tell("arm", ["stop", step, arrival])
        # Nothing may be answered once it stands still, so the kernel is asked.
        await host.stopped()
    else:
        host.stop()
        await host.stopped()


async def _wake(system: SystemUnderTest, host: HostProcess, number: int) -> bool:
    """Resume it and have it write; whether it ended by itself then.  Else it is killed."""
    user_id = system.clients[number % len(system.clients)].user_id
    grant = {
        "command_id": f"stale-{number}",
        "type": "grant_player_progression_experience",
        "amount": 1_000_000,
    }
    host.resume()
    try:
        replies = await host.ask([Ask.of(user_id, decode_command(grant), Media.MSGPACK)])
        host.late.append(([Ask.of(user_id, decode_command(grant), Media.MSGPACK)], replies))
    except HostDied:
        pass
    return await system.ended_within(host, system.patience_seconds)


async def _judge_late(system: SystemUnderTest, stale: HostProcess, successor: HostProcess) -> int:
    """How many of the stale host's late replies were true; the others are violations."""
    true = 0
    for requests, replies in stale.late:
        for request, reply in zip(requests, replies, strict=True):
            if isinstance(request, Ask) and not reply.code:
                true += await _is_true(system, request, reply, successor)
    return true


async def _is_true(
    system: SystemUnderTest, request: Ask, reply: Reply, successor: HostProcess
) -> bool:
    body = msgpack.unpackb(reply.body)
    command_id = request.command_id
    known: dict[str, Any] = {}
    operation = system.checker.find(request.user_id, command_id)
    if (
        operation is not None and operation.body is not None
    ):  # its client was told by the successor, too
        known = msgpack.unpackb(operation.body)
    else:
        known = await _receipt(system, request, successor)
    if not body["changes"] or {**known, "replayed": False} == {**body, "replayed": False}:
        return True
    what = f"acknowledged {body}; its successor knows {known}"
    system.checker.violate("stale", request.user_id, command_id, what)
    return False


async def _receipt(system: SystemUnderTest, request: Ask, successor: HostProcess) -> dict[str, Any]:
    """What the successor says it answered."""
    command_id = request.command_id
    (receipt,) = await system.ask_until_served(
        successor, [Read(request.user_id, View.COMMAND, command_id, Media.MSGPACK)]
    )
    return {} if receipt.code else dict(msgpack.unpackb(receipt.body))


async def held_appends(
    config: CampaignConfig, cycles: int, mutant: str = "", held_at: Sequence[str] = HELD_AT
) -> Outcome:
    """Hold an append half-way: nobody hears of it and no reader sees it; then kill (R3)."""
    began, done = time.monotonic(), 0
    async with config.system("held-appends", mutant) as system:
        while done < cycles and not system.checker.violations:
            host = await system.start_host(
                "hold", held_at[done % len(held_at)], system.dice.randint(5, 40)
            )
            await host.said.get()
            await _let_it_turn(host)
            before = _writes_acknowledged(system)
            await _read_everybody(system, host)
            if (early := _writes_acknowledged(system) - before) > 0:
                what = f"{early} commands were answered while their append was held"
                system.checker.violate("early", "", "", what)
            host.kill()
            await system.reap(host)
            done += 1
            config.progress(done, cycles)
        if not system.checker.violations:
            await system.start_host()
            await system.finish()
    return outcome("no reply before it is durable", system, done, cycles, began)


async def _let_it_turn(host: HostProcess) -> None:
    """What was durable before the hold is answered by then."""
    for _ in range(5):
        await host.order("ping")


async def _read_everybody(system: SystemUnderTest, host: HostProcess) -> None:
    """Readers are answered meanwhile, with what is durable."""
    histories = list(system.checker.histories.values())
    reads: list[Request] = [Read(one.user_id, View.USER, "", Media.MSGPACK) for one in histories]
    for history, reply in zip(histories, await host.ask(reads), strict=True):
        if not reply.code:
            version = msgpack.unpackb(reply.body)["version"]
            system.checker.read(history.user_id, version, 0, host.number)


def _writes_acknowledged(system: SystemUnderTest) -> int:
    return sum(len(history.by_version) for history in system.checker.histories.values())

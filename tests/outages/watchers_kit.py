"""Watchers of one user over lines that break anywhere, while gateways and the host are killed.

Everything goes through a relay that cuts connections after a random number of bytes.  Each watcher
keeps what it was shown at every version; the store's own history says what is true.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

from questkeep_client import client as client_module
from questkeep_client.protocol.changes import Change, Changes
from questkeep_client.protocol.commands import GrantExperience
from questkeep_client.protocol.problems import Closed, Gap
from tests.gateway.live.cutting_relay_kit import cutting
from tests.outages.deployment_kit import Deployment
from tests.outages.history_kit import grants_of

RECEIPTS = 128
UNANSWERED = 6
FORMS = ("json", "msgpack", "json")
STALL_SECONDS = 120.0


class Watcher:
    """What one client was shown of the user.

    Attributes:
        shown: of each version the command that made it, and the experience at it.
        resumes: how often it was told what it had missed: by `changes`, or by a `state` though no
            more than `RECEIPTS` versions were missing, or because more were.
        gaps: versions that came out of turn.
    """

    def __init__(self, client: client_module.Client, named: str) -> None:
        self.client = client
        self.shown: dict[int, tuple[str, int]] = {}
        self.resumes: Counter[str] = Counter()
        self.gaps: list[str] = []
        self._received = client.session.received
        self._state = ""
        client.session.received = self._noting  # type: ignore[method-assign]
        self.mirror = client.watch(named).mirror
        client.watch(named).listeners.append(self._changed)

    @property
    def version(self) -> int:
        position = self.mirror.position
        return 0 if position is None else position.version

    def _noting(self, frame: Any) -> Any:
        if frame["type"] == "state":
            missed = frame["version"] - self.version
            self._state = "first" if frame["why"] == "first" else "needless"
            if frame["why"] == "too_old" and missed > RECEIPTS:
                self._state = "too_old"
        elif frame["type"] == "caught_up":
            self.resumes[self._state or "changes"] += 1
            self._state = ""
        try:
            return self._received(frame)
        except Gap as gap:
            self.gaps.append(str(gap))
            raise

    def _changed(self, change: Change | Closed) -> None:
        if isinstance(change, Changes):
            total = self.mirror.rows["player_progression"]["total_xp"]
            assert change.position.version not in self.shown
            self.shown[change.position.version] = (change.command_id, total)


class Outcome:
    """What became of one run."""

    def __init__(self, watchers: list[Watcher], cuts: int) -> None:
        self.watchers = watchers
        self.cuts = cuts

    @property
    def resumes(self) -> Counter[str]:
        """Of all watchers together."""
        return sum((watcher.resumes for watcher in self.watchers), Counter[str]())


async def watchers_outlast_outages(
    deployment: Deployment, user_id: str, changes: int, kills: int, seed: int
) -> Outcome:
    """Send `changes` grants while each kind of process is killed `kills` times; check everything.

    Three of the player's own connections and a service's watch.
    """
    dice = random.Random(seed)
    port = int(deployment.url.rpartition(":")[2])
    async with cutting(port, seed, spares=False) as (relay, url), AsyncExitStack() as held:
        watchers = [
            Watcher(await held.enter_async_context(client), named)
            for client, named in _clients(deployment, url, user_id)
        ]
        game = watchers[-1].client
        await _until(watchers, lambda watcher: watcher.resumes.total(), 1, None)
        sending = asyncio.create_task(_send(game, user_id, changes, dice))
        try:
            for number in range(1, 2 * kills + 1):
                await _until(watchers, _version, number * changes // (2 * kills + 1), sending)
                kill = deployment.kill_gateway if number % 2 else deployment.kill_host
                await asyncio.to_thread(kill)
            replies = await sending
        finally:
            sending.cancel()
        relay.heals = True
        await _until(watchers, _version, changes, None)
        assert Counter(reply["type"] for reply in replies) == {"reply": changes}
        outcome = Outcome(watchers, relay.cuts)
    await _check(deployment, user_id, outcome, changes)
    return outcome


def _clients(
    deployment: Deployment, url: str, user_id: str
) -> list[tuple[client_module.Client, str]]:
    player = deployment.token_of(user_id)
    oneself = client_module.ONESELF
    clients = [(client_module.connect(url, player, form=form), oneself) for form in FORMS]
    return [*clients, (client_module.connect(url, deployment.service), user_id)]


async def _send(
    game: client_module.Client, user_id: str, changes: int, dice: random.Random
) -> list[dict[str, Any]]:
    """Grants, few of them unanswered at a time; what each was answered."""
    replies: list[dict[str, Any]] = []
    room = asyncio.Semaphore(UNANSWERED)

    def answered(frame: dict[str, Any] | Closed) -> None:
        if not isinstance(frame, Closed):
            replies.append(frame)
            room.release()

    for number in range(changes):
        await room.acquire()
        command = GrantExperience(amount=dice.randrange(1, 9))
        game.post(user_id, command, answered, f"c{number}")
    for _ in range(UNANSWERED):
        await room.acquire()
    return replies


def _version(watcher: Watcher) -> int:
    return watcher.version


async def _until(
    watchers: list[Watcher],
    measure: Callable[[Watcher], int],
    least: int,
    sending: "asyncio.Task[Any] | None",
) -> None:
    """Return once this measure of everybody is so high; fail if nothing moves any more."""
    loop = asyncio.get_running_loop()
    seen, since = -1, loop.time()
    while (lowest := min(map(measure, watchers))) < least:
        if sending is not None and sending.done():
            sending.result()
        if lowest > seen:
            seen, since = lowest, loop.time()
        assert loop.time() - since < STALL_SECONDS, f"nobody gets beyond {seen}"
        await asyncio.sleep(0.02)


async def _check(deployment: Deployment, user_id: str, outcome: Outcome, changes: int) -> None:
    """Nothing lost, nothing doubled, no gap, and what was shown is what the store has."""
    grants = await grants_of(deployment.url, deployment.service, user_id)
    assert [grant.version for grant in grants] == list(range(1, changes + 1))
    assert len({grant.command_id for grant in grants}) == changes
    truth: dict[int, tuple[str, int]] = {}
    total = 0
    for grant in grants:
        total += grant.amount
        truth[grant.version] = (grant.command_id, total)
    for watcher in outcome.watchers:
        assert watcher.gaps == []
        assert watcher.version == changes
        assert watcher.shown.items() <= truth.items()
        if not watcher.resumes["too_old"]:
            assert watcher.shown == truth
    assert outcome.resumes["needless"] == 0, outcome.resumes

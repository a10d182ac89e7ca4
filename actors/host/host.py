"""A host: the user actors of one process, their shared journal, and their coming and going.

Dedicated placement has one user in a host, packed placement thousands; everything below is the same
for both.  A host may *read* users at any time, but before its first change it *opens*: it claims a
stream for its incarnation, fences the streams of earlier incarnations and folds them into snapshots
(P3, P7), and loads its users anew.  So a host that only reads leaves nothing in the store.

When an append fails, the state in memory is worth nothing any more (P8): every user is dropped, the
callers hear `outcome_unknown`, and the next message starts over from what the store holds.

Not for: rules (`domain`), turns of one user (`user`), which host a user belongs to (`placement`).
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Sequence
from itertools import islice
from typing import Any

import structlog

from actors.cluster.contract import HostSettings
from actors.host.activation import Resident
from actors.host.hibernation import Sleeper, Sleepers
from actors.host.history_paging import find_grant, store_pages
from actors.host.journal import Snapshots
from actors.host.loading import read_actor
from actors.host.mailbox import Message
from actors.host.opening import open_stream
from actors.host.pending_replies import (
    RETRY_AFTER_MS,
    Accepted,
    Answer,
    deliver,
    settled,
    unavailable,
)
from actors.host.reading import answer_read
from actors.host.rules import RulesInForce
from actors.host.user import Turn, UserActor
from actors.messages import Ask, Read, Reply, Request, refused
from domain.state.history import HistoryEntry
from domain.state.user_state import UserState
from persistence.errors import Fenced, Spoiled, StorageError, Unavailable
from persistence.failpoints import failpoint
from persistence.journal.group_commit import GroupCommit
from persistence.store import Store, Stream

log = structlog.get_logger(__name__)

UNDURABLE_BYTES_MAX = 64 * 1024 * 1024
"""Decided but not yet durable; beyond it new commands are refused as `overloaded`."""
LEAVE_TOGETHER = 16  # idle users let go side by side when a host is full
RESIDENTS_SLACK = 1.1
"""How far a host may be over its cap while users are on their way out."""


class Host:
    """User actors of one process.

    Args:
        name: as placement calls this host; its journals stand under this name.
        now: microseconds since the Unix epoch.
        on_fenced: called when another incarnation has taken over, or when this process cannot
            trust its disk any more; the process should go, and a fresh one come.
    """

    def __init__(
        self,
        name: str,
        store: Store,
        settings: HostSettings,
        *,
        now: Callable[[], int],
        on_fenced: Callable[[], None],
    ) -> None:
        self.name = name
        self.residents: OrderedDict[str, Resident] = OrderedDict()  # awake, longest idle first
        self.rules = RulesInForce(settings.rules_text)
        self.sleepers = Sleepers(settings, self.rules)
        self.activations = self.passivations = 0
        self._store = store
        self._settings = settings
        self._now = now
        self._on_fenced = on_fenced
        self._snapshots = Snapshots(store, name, on_fenced)
        self._opening = asyncio.Lock()
        self._stream: Stream | None = None
        self._commits: GroupCommit | None = None
        self._era = 0
        self._undurable: dict[asyncio.Future[int], list[tuple[Resident, UserState]]] = {}
        self._tasks: set[asyncio.Task[object]] = set()
        self._draining = self._checkpointing = False
        self._journal_bytes = self._sequence = 0

    @property
    def users(self) -> int:
        """Users in memory, awake or asleep."""
        return len(self.residents) + len(self.sleepers)

    def accept(self, requests: Sequence[Request]) -> Accepted:
        """Take requests in, in order; their answers come out of what is returned."""
        return Accepted([self._accept(request) for request in requests])

    async def ask(self, requests: Sequence[Request]) -> list[Reply]:
        """Their replies in the same order, each true of durable state when it left."""
        return await self.accept(requests).replies()

    def _accept(self, request: Request) -> tuple[Resident | None, Answer]:
        if self._draining:
            return None, refused("draining", "this host is going down", RETRY_AFTER_MS)
        if self._commits is not None and self._commits.pending_bytes > UNDURABLE_BYTES_MAX:
            return None, refused("overloaded", "the journal is behind", RETRY_AFTER_MS)
        resident = self.residents.get(request.user_id) or self._wake(request.user_id)
        if resident is None:
            if self.users >= self._settings.residents_max and not self._make_room():
                full = f"{self.users} users are active in this host and none is idle"
                return None, refused("overloaded", full, RETRY_AFTER_MS)
            resident = self._activate(request.user_id)
        if not resident.mailbox.admit():
            full = f"{resident.mailbox.depth} messages of this user have no answer yet"
            return None, refused("user_busy", full, RETRY_AFTER_MS)
        if not resident.busy and resident.era == self._era:
            answer = self._handle(resident, request)
            if answer is not None:
                return resident, answer
        message = Message(request)
        resident.mailbox.put(message)
        if not resident.busy:
            self._prepare(resident, for_change=resident.era == self._era)
        return resident, message.answer

    def _handle(self, resident: Resident, request: Request) -> Answer | None:
        """One turn on a loaded user.  None: it would change rows and the host is not open yet."""
        if isinstance(request, Read):
            return answer_read(self._store, resident, request)
        actor = resident.actor
        assert actor is not None
        resident.last_command = asyncio.get_running_loop().time()
        self.residents.move_to_end(resident.user_id)
        if actor.reaches_beyond_memory(request.fields):
            if self._commits is None:
                return None
            resident.busy = True
            return self._spawn(self._look_back(resident, actor, request))
        return self._turn(resident, actor, request)

    def _turn(
        self, resident: Resident, actor: UserActor, request: Ask, *older: HistoryEntry
    ) -> Answer | None:
        outcome = actor.decide(request.fields, request.media, self._now(), older)
        if isinstance(outcome, Turn):
            if self._commits is None:
                return None
            if self._commits.error is not None:
                return unavailable(self._commits.error)
            actor.take(outcome)
            resident.pending = self._commit(self._commits, resident, outcome)
            return outcome.reply, resident.pending
        # Also a refusal waits: it may rest on a turn that is not durable yet.
        return outcome if resident.pending is None else (outcome, resident.pending)

    async def _look_back(self, resident: Resident, actor: UserActor, request: Ask) -> Reply:
        """An undo of what has left memory: the user's next messages wait, nobody else's."""
        try:
            older = await find_grant(self._store, actor.working, request.fields["undo_command_id"])
            if resident.era != self._era:
                raise Unavailable("the journal was lost while an account was read")
            answer = self._turn(resident, actor, request, *older)
            assert answer is not None  # the host was open, and still is
        except StorageError as error:
            log.error("an account could not be read", host=self.name, reason=str(error))
            answer = unavailable(error)
        finally:
            resident.busy = False
            self._resume(resident)
        return await settled(answer)

    def _commit(self, commits: GroupCommit, resident: Resident, turn: Turn) -> asyncio.Future[int]:
        durable = commits.commit(turn.record)
        self._journal_bytes += len(turn.record)
        if durable not in self._undurable:
            self._undurable[durable] = []
            durable.add_done_callback(self._committed)
        self._undurable[durable].append((resident, turn.state))
        return durable

    def _committed(self, durable: asyncio.Future[int]) -> None:
        """A batch became durable, or never will: swap the rows in, or drop everything (P8)."""
        turns = self._undurable.pop(durable)
        if (error := durable.exception()) is not None:
            self._break(error)
            return
        self._sequence = durable.result()
        failpoint("host.before_reply")
        for resident, state in turns:
            actor = resident.actor
            assert actor is not None
            actor.made_durable(state)
            if resident.pending is durable:
                resident.pending = None
            if actor.snapshot_due(self._settings.snapshot_every):
                self._spawn(self._snapshot(resident))
            if actor.page_due():
                self._spawn(store_pages(self._store, actor))
        if self._journal_bytes >= self._settings.checkpoint_bytes and not self._checkpointing:
            self._checkpointing = True
            self._spawn(self._checkpoint())

    def _break(self, error: BaseException) -> None:
        """Forget every user and the stream: what they hold may never have happened."""
        if self._stream is None:
            return
        log.error("journal lost", host=self.name, reason=str(error))
        stream, self._stream, self._commits = self._stream, None, None
        self._era += 1
        self.sleepers.clear()
        residents, self.residents = self.residents, OrderedDict()
        for resident in residents.values():
            while (message := resident.mailbox.take()) is not None:
                message.settle(unavailable(error))
        self._spawn(stream.close())
        if isinstance(error, Fenced | Spoiled):
            self._on_fenced()

    # -- coming: load a user, open the host ------------------------------------------------------

    def _activate(self, user_id: str) -> Resident:
        now = asyncio.get_running_loop().time()
        resident = Resident(user_id, self._settings.mailbox_depth_max, now)
        self.residents[user_id] = resident
        self.activations += 1
        return resident

    def _wake(self, user_id: str) -> Resident | None:
        """The user as they fell asleep; None when they do not sleep here."""
        resident = self.sleepers.wake(user_id, self._era)
        if resident is not None:
            self.residents[user_id] = resident
        return resident

    def _prepare(self, resident: Resident, *, for_change: bool) -> None:
        resident.busy = True
        self._spawn(self._load(resident, for_change=for_change))

    async def _load(self, resident: Resident, *, for_change: bool) -> None:
        """Bring the user's newest state into memory, then handle what has waited for it."""
        try:
            if for_change or (self._commits is None and await self._store.streams(self.name)):
                await self.open()
            era = self._era
            actor = await self._read_actor(resident.user_id)
        except Exception as error:
            self._give_up(resident, error)
            return
        if self.residents.get(resident.user_id) is resident:
            resident.actor, resident.era, resident.busy = actor, era, False
            self._resume(resident)

    async def _read_actor(self, user_id: str) -> UserActor:
        window = self._settings.receipt_window
        return await read_actor(self._store, user_id, window, self.rules)

    def _resume(self, resident: Resident) -> None:
        """Handle the messages that have waited, in order."""
        while not resident.busy and (message := resident.mailbox.take()) is not None:
            stale = resident.era != self._era
            answer = None if stale else self._handle(resident, message.request)
            if answer is None:
                resident.mailbox.put_back(message)
                self._prepare(resident, for_change=not stale)
                return
            self._spawn(deliver(message, answer))

    def _give_up(self, resident: Resident, error: Exception) -> None:
        """The user cannot be loaded now: refuse what has waited; the next message tries again."""
        if isinstance(error, StorageError):
            log.error("user not loaded", host=self.name, reason=str(error))
        else:
            log.exception("user not loaded", host=self.name, exc_info=error)
        if self.residents.get(resident.user_id) is resident:
            del self.residents[resident.user_id]
        while (message := resident.mailbox.take()) is not None:
            message.settle(unavailable(error))
        if isinstance(error, Spoiled):
            self._on_fenced()

    async def open(self) -> None:
        """Become the host's one writer; every user is read anew from here on.

        Raises:
            StorageError: the store is away, damaged or not ours to open.
        """
        async with self._opening:
            if self._commits is not None:
                return
            self._stream = await open_stream(self._store, self.name, self._settings)
            self._commits = GroupCommit(self._stream)
            self._journal_bytes = self._sequence = 0
            self._era += 1
            self.sleepers.clear()  # read before this moment, like everybody of an earlier era

    # -- going: snapshots, passivation, drain ----------------------------------------------------

    async def _snapshot(self, resident: Resident) -> bool:
        """Write the user's durable state, unless it stands already; whether it stands now."""
        return resident.actor is None or await self._snapshots.write(resident.actor)

    async def _snapshot_all(self) -> bool:
        """Snapshot every user; False, and no further, once one cannot be written.

        Whoever falls asleep or wakes meanwhile is covered: the two lists hold who they were.
        """
        awake, asleep = list(self.residents.values()), list(self.sleepers)
        for resident in awake:
            if not await self._snapshot(resident):
                return False
        for sleeper in asleep:
            if not await self._snapshots.write(sleeper):
                return False
        return True

    async def _checkpoint(self) -> None:
        """Snapshot every user the journal still covers, then drop that part of it."""
        stream, sequence, covered = self._stream, self._sequence, self._journal_bytes
        failpoint("host.checkpoint")
        try:
            if await self._snapshot_all() and stream is not None and stream is self._stream:
                await stream.drop_through(sequence)
                self._journal_bytes -= covered
        except StorageError as error:
            log.error("checkpoint failed", host=self.name, reason=str(error))
        finally:
            self._checkpointing = False

    async def passivate(self, resident: Resident, reason: str) -> bool:
        """Snapshot an idle user and let them go; False when a message came in meanwhile."""
        resident.busy = True
        failpoint("host.passivating")
        left = await self._snapshot(resident) and resident.mailbox.depth == 0
        if self.residents.get(resident.user_id) is not resident:
            return False
        if left:
            del self.residents[resident.user_id]
            self.passivations += 1
            log.debug("passivated", host=self.name, reason=reason)
        else:
            resident.busy = False
            self._resume(resident)
        return left

    def let_go(self, sleeper: Sleeper, reason: str) -> asyncio.Task[object] | None:
        """Let a user go who sleeps; what to wait for when they have to be snapshotted first."""
        if self.sleepers.forget(sleeper):
            self.passivations += 1
        elif (resident := self._wake(sleeper.user_id)) is not None:
            resident.busy = True
            return self._spawn(self.passivate(resident, reason))
        return None

    def put_to_sleep(self, resident: Resident) -> bool:
        """Keep a user small until the next message; False for whom there is something under way."""
        actor = resident.actor
        here = self.residents.get(resident.user_id) is resident and resident.era == self._era
        if actor is None or not here or not resident.idle or actor.storing_pages:
            return False
        self.sleepers.put(actor, resident.last_command)
        del self.residents[resident.user_id]
        return True

    def _make_room(self) -> bool:
        """Begin to let go of the longest-idle users; False when none is idle."""
        asleep = list(islice(self.sleepers, LEAVE_TOGETHER))
        for sleeper in asleep:
            self.let_go(sleeper, "room")
        awake = (one for one in self.residents.values() if one.idle and not asleep)
        idle = list(islice(awake, LEAVE_TOGETHER))
        for resident in idle:
            resident.busy = True
            self._spawn(self.passivate(resident, "room"))
        return bool(asleep or idle) or self.users < RESIDENTS_SLACK * self._settings.residents_max

    async def drain(self) -> None:
        """Refuse what is new, finish what was accepted, snapshot every user, close the journal.

        A store that is away costs nothing: what is durable stands in the journal.
        """
        self._draining = True
        while busy := [one for one in self._tasks if one is not asyncio.current_task()]:
            await asyncio.wait(busy)
        try:
            if self._commits is not None:
                await self._commits.drained()
            if await self._snapshot_all() and self._stream is not None:
                await self._stream.drop_through(self._sequence)
        except StorageError as error:
            log.error("drain left the journal standing", host=self.name, reason=str(error))
        self.residents = OrderedDict()
        self.sleepers.clear()
        if self._stream is not None:
            await self._stream.close()

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

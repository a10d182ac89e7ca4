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

from actors.host.activation import Activation
from actors.host.hibernation import HibernatedUser, HibernatedUsers
from actors.host.history_paging import find_grant, store_pages
from actors.host.journal import Snapshots
from actors.host.loading import read_actor
from actors.host.mailbox import QueuedRequest
from actors.host.opening import open_stream
from actors.host.pending_replies import (
    RETRY_AFTER_MS,
    Answer,
    PendingReplies,
    completed,
    deliver,
    unavailable,
)
from actors.host.reading import answer_read
from actors.host.rules import RulesInForce
from actors.host.settings import HostSettings
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
EVICT_AT_ONCE = 16  # idle users let go side by side when a host is full
USERS_SLACK = 1.1
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
        self.awake: OrderedDict[str, Activation] = OrderedDict()  # awake, longest idle first
        self.rules = RulesInForce(settings.rules_text)
        self.hibernated = HibernatedUsers(settings, self.rules)
        self.activations = self.passivations = 0
        self._store = store
        self._settings = settings
        self._now = now
        self._on_fenced = on_fenced
        self._snapshots = Snapshots(store, name, on_fenced)
        self._opening = asyncio.Lock()
        self._stream: Stream | None = None
        self._commits: GroupCommit | None = None
        self._epoch = 0
        self._undurable: dict[asyncio.Future[int], list[tuple[Activation, UserState]]] = {}
        self._tasks: set[asyncio.Task[object]] = set()
        self._draining = self._checkpointing = False
        self._journal_bytes = self._sequence = 0

    @property
    def users(self) -> int:
        """Users in memory, awake or asleep."""
        return len(self.awake) + len(self.hibernated)

    def accept(self, requests: Sequence[Request]) -> PendingReplies:
        """Take requests in, in order; their answers come out of what is returned."""
        return PendingReplies([self._accept(request) for request in requests])

    async def ask(self, requests: Sequence[Request]) -> list[Reply]:
        """Their replies in the same order, each true of durable state when it left."""
        return await self.accept(requests).replies()

    def _accept(self, request: Request) -> tuple[Activation | None, Answer]:
        if self._draining:
            return None, refused("draining", "this host is going down", RETRY_AFTER_MS)
        if self._commits is not None and self._commits.pending_bytes > UNDURABLE_BYTES_MAX:
            return None, refused("overloaded", "the journal is behind", RETRY_AFTER_MS)
        activation = self.awake.get(request.user_id) or self._wake(request.user_id)
        if activation is None:
            if self.users >= self._settings.users_max and not self._make_room():
                full = f"{self.users} users are active in this host and none is idle"
                return None, refused("overloaded", full, RETRY_AFTER_MS)
            activation = self._activate(request.user_id)
        if not activation.mailbox.admit():
            full = f"{activation.mailbox.depth} messages of this user have no answer yet"
            return None, refused("user_busy", full, RETRY_AFTER_MS)
        if not activation.busy and activation.epoch == self._epoch:
            answer = self._handle(activation, request)
            if answer is not None:
                return activation, answer
        message = QueuedRequest(request)
        activation.mailbox.put(message)
        if not activation.busy:
            self._prepare(activation, for_change=activation.epoch == self._epoch)
        return activation, message.answer

    def _handle(self, activation: Activation, request: Request) -> Answer | None:
        """One turn on a loaded user.  None: it would change rows and the host is not open yet."""
        if isinstance(request, Read):
            return answer_read(self._store, activation, request)
        actor = activation.actor
        assert actor is not None
        activation.last_command = asyncio.get_running_loop().time()
        self.awake.move_to_end(activation.user_id)
        if actor.reaches_beyond_memory(request.fields):
            if self._commits is None:
                return None
            activation.busy = True
            return self._spawn(self._look_back(activation, actor, request))
        return self._turn(activation, actor, request)

    def _turn(
        self, activation: Activation, actor: UserActor, request: Ask, *older: HistoryEntry
    ) -> Answer | None:
        outcome = actor.decide(request.fields, request.media, self._now(), older)
        if isinstance(outcome, Turn):
            if self._commits is None:
                return None
            if self._commits.error is not None:
                return unavailable(self._commits.error)
            actor.take(outcome)
            activation.pending = self._commit(self._commits, activation, outcome)
            return outcome.reply, activation.pending
        # Also a refusal waits: it may rest on a turn that is not durable yet.
        return outcome if activation.pending is None else (outcome, activation.pending)

    async def _look_back(self, activation: Activation, actor: UserActor, request: Ask) -> Reply:
        """An undo of what has left memory: the user's next messages wait, nobody else's."""
        try:
            older = await find_grant(self._store, actor.working, request.fields["undo_command_id"])
            if activation.epoch != self._epoch:
                raise Unavailable("the journal was lost while an account was read")
            answer = self._turn(activation, actor, request, *older)
            assert answer is not None  # the host was open, and still is
        except StorageError as error:
            log.error("a history could not be read", host=self.name, reason=str(error))
            answer = unavailable(error)
        finally:
            activation.busy = False
            self._resume(activation)
        return await completed(answer)

    def _commit(
        self, commits: GroupCommit, activation: Activation, turn: Turn
    ) -> asyncio.Future[int]:
        durable = commits.commit(turn.record)
        self._journal_bytes += len(turn.record)
        if durable not in self._undurable:
            self._undurable[durable] = []
            durable.add_done_callback(self._committed)
        self._undurable[durable].append((activation, turn.state))
        return durable

    def _committed(self, durable: asyncio.Future[int]) -> None:
        """A batch became durable, or never will: swap the rows in, or drop everything (P8)."""
        turns = self._undurable.pop(durable)
        if (error := durable.exception()) is not None:
            self._break(error)
            return
        self._sequence = durable.result()
        failpoint("host.before_reply")
        for activation, state in turns:
            actor = activation.actor
            assert actor is not None
            actor.made_durable(state)
            if activation.pending is durable:
                activation.pending = None
            if actor.snapshot_due(self._settings.snapshot_every):
                self._spawn(self._snapshot(activation))
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
        self._epoch += 1
        self.hibernated.clear()
        dropped, self.awake = self.awake, OrderedDict()
        for activation in dropped.values():
            while (message := activation.mailbox.take()) is not None:
                message.complete(unavailable(error))
        self._spawn(stream.close())
        if isinstance(error, Fenced | Spoiled):
            self._on_fenced()

    # -- coming: load a user, open the host ------------------------------------------------------

    def _activate(self, user_id: str) -> Activation:
        now = asyncio.get_running_loop().time()
        activation = Activation(user_id, self._settings.mailbox_depth_max, now)
        self.awake[user_id] = activation
        self.activations += 1
        return activation

    def _wake(self, user_id: str) -> Activation | None:
        """The user as they fell asleep; None when they do not sleep here."""
        activation = self.hibernated.wake(user_id, self._epoch)
        if activation is not None:
            self.awake[user_id] = activation
        return activation

    def _prepare(self, activation: Activation, *, for_change: bool) -> None:
        activation.busy = True
        self._spawn(self._load(activation, for_change=for_change))

    async def _load(self, activation: Activation, *, for_change: bool) -> None:
        """Bring the user's newest state into memory, then handle what has waited for it."""
        try:
            if for_change or (self._commits is None and await self._store.streams(self.name)):
                await self.open()
            epoch = self._epoch
            actor = await self._read_actor(activation.user_id)
        except Exception as error:
            self._give_up(activation, error)
            return
        if self.awake.get(activation.user_id) is activation:
            activation.actor, activation.epoch, activation.busy = actor, epoch, False
            self._resume(activation)

    async def _read_actor(self, user_id: str) -> UserActor:
        window = self._settings.receipt_window
        return await read_actor(self._store, user_id, window, self.rules)

    def _resume(self, activation: Activation) -> None:
        """Handle the messages that have waited, in order."""
        while not activation.busy and (message := activation.mailbox.take()) is not None:
            stale = activation.epoch != self._epoch
            answer = None if stale else self._handle(activation, message.request)
            if answer is None:
                activation.mailbox.put_back(message)
                self._prepare(activation, for_change=not stale)
                return
            self._spawn(deliver(message, answer))

    def _give_up(self, activation: Activation, error: Exception) -> None:
        """The user cannot be loaded now: refuse what has waited; the next message tries again."""
        if isinstance(error, StorageError):
            log.error("user not loaded", host=self.name, reason=str(error))
        else:
            log.exception("user not loaded", host=self.name, exc_info=error)
        if self.awake.get(activation.user_id) is activation:
            del self.awake[activation.user_id]
        while (message := activation.mailbox.take()) is not None:
            message.complete(unavailable(error))
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
            self._epoch += 1
            self.hibernated.clear()  # read before this moment, like everybody of an earlier epoch

    # -- going: snapshots, passivation, drain ----------------------------------------------------

    async def _snapshot(self, activation: Activation) -> bool:
        """Write the user's durable state, unless it stands already; whether it stands now."""
        return activation.actor is None or await self._snapshots.write(activation.actor)

    async def _snapshot_all(self) -> bool:
        """Snapshot every user; False, and no further, once one cannot be written.

        Whoever falls asleep or wakes meanwhile is covered: the two lists hold who they were.
        """
        awake, asleep = list(self.awake.values()), list(self.hibernated)
        for activation in awake:
            if not await self._snapshot(activation):
                return False
        for user in asleep:
            if not await self._snapshots.write(user):
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

    async def passivate(self, activation: Activation, reason: str) -> bool:
        """Snapshot an idle user and let them go; False when a message came in meanwhile."""
        activation.busy = True
        failpoint("host.passivating")
        left = await self._snapshot(activation) and activation.mailbox.depth == 0
        if self.awake.get(activation.user_id) is not activation:
            return False
        if left:
            del self.awake[activation.user_id]
            self.passivations += 1
            log.debug("passivated", host=self.name, reason=reason)
        else:
            activation.busy = False
            self._resume(activation)
        return left

    def evict(self, user: HibernatedUser, reason: str) -> asyncio.Task[object] | None:
        """Let a user go who sleeps; what to wait for when they have to be snapshotted first."""
        if self.hibernated.forget(user):
            self.passivations += 1
        elif (activation := self._wake(user.user_id)) is not None:
            activation.busy = True
            return self._spawn(self.passivate(activation, reason))
        return None

    def hibernate(self, activation: Activation) -> bool:
        """Keep a user small until the next message; False for whom there is something under way."""
        actor = activation.actor
        here = self.awake.get(activation.user_id) is activation and activation.epoch == self._epoch
        if actor is None or not here or not activation.idle or actor.storing_pages:
            return False
        self.hibernated.put(actor, activation.last_command)
        del self.awake[activation.user_id]
        return True

    def _make_room(self) -> bool:
        """Begin to let go of the longest-idle users; False when none is idle."""
        asleep = list(islice(self.hibernated, EVICT_AT_ONCE))
        for user in asleep:
            self.evict(user, "room")
        awake = (one for one in self.awake.values() if one.idle and not asleep)
        idle = list(islice(awake, EVICT_AT_ONCE))
        for activation in idle:
            activation.busy = True
            self._spawn(self.passivate(activation, "room"))
        return bool(asleep or idle) or self.users < USERS_SLACK * self._settings.users_max

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
        self.awake = OrderedDict()
        self.hibernated.clear()
        if self._stream is not None:
            await self._stream.close()

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

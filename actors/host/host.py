"""Host: dispatches the requests of one process's users, each user's in order.

Dedicated placement has one user in a host, packed placement thousands; everything below is the same
for both.  Reads are answered at any time; the first change opens the journal, and every user is
read anew from there on.  When the journal is lost, the state in memory is worth nothing any more
(P8): every user is dropped, the callers hear `outcome_unknown`, and the next request starts over
from what the store holds.

Not for: rules (`domain`), turns of one user (`actors.user`), the stream (`journal`), who is in
memory (`activations`), or which host a user belongs to (`placement`).
"""

import asyncio
import time
from collections.abc import Callable, Sequence

import structlog

from actors.background_tasks import BackgroundTasks
from actors.errors import DeliveryCode
from actors.host.activation import Activation, UserLoader
from actors.host.activations import Activations
from actors.host.history_paging import answer_read, find_entries, store_pages
from actors.host.journal import HostJournal
from actors.host.mailbox import QueuedRequest
from actors.host.pending_replies import (
    RETRY_AFTER_MS,
    Answer,
    PendingReplies,
    completed,
    deliver,
    unavailable,
)
from actors.host.run_queue import RunQueue, run_deadline
from actors.host.settings import HostSettings
from actors.host.watches import Watches
from actors.messages import Ask, ReadChanges, Reply, Request, not_here, refused
from actors.user.actor import Turn, UserActor
from actors.user.bodies import AnyReply, internal_error
from actors.user.rules import RulesInForce
from domain.state.history import HistoryEntry
from persistence.errors import Spoiled, StorageError, Unavailable
from persistence.failpoints import failpoint
from persistence.store import Store

log = structlog.get_logger(__name__)


class Host:
    """User actors of one process.

    Args:
        name: as placement calls this host; its journals are stored under this name.
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
        self.rules = RulesInForce(settings.rules_text, settings.limits)
        self.tasks = BackgroundTasks()
        self.journal = HostJournal(
            name,
            store,
            settings,
            self.tasks,
            find=lambda user_id: self.activations.find(user_id),
            on_lost=self._drop_everybody,
            on_fenced=on_fenced,
        )
        self.activations = Activations(
            name, settings, self.rules, self.journal, self.tasks, self._resume
        )
        self._run_queue = RunQueue(self.tasks, self._resume)
        self._loader = UserLoader(store, settings, self.rules)
        self._store = store
        self._settings = settings
        self._now = now
        self._on_fenced = on_fenced
        self.watches = Watches()
        self._undurable: dict[asyncio.Future[int], list[tuple[Activation, Turn]]] = {}
        self._draining = False

    def accept(self, requests: Sequence[Request], deadline: float | None = None) -> PendingReplies:
        """Take requests in, in order; their answers come out of what is returned.

        After `deadline` (`run_deadline`; without one, some milliseconds from now) they wait in the
        mailboxes, so that however many there are, nobody else waits for all of them.
        """
        if deadline is None:
            deadline = run_deadline()
        clock = time.perf_counter
        return PendingReplies([self._accept(each, clock() > deadline) for each in requests])

    async def ask(self, requests: Sequence[Request]) -> list[Reply]:
        """Their replies in the same order, each true of durable state when it left."""
        return await self.accept(requests).replies()

    async def open(self) -> None:
        """Become the host's one writer; every user is read anew from here on.

        Raises:
            StorageError: the store is away, damaged or not ours to open.
        """
        if await self.journal.open():
            # Read before this moment, like everybody who is awake in an earlier epoch.
            self.activations.hibernated.clear()
            self.watches.read_anew()

    async def drain(self) -> None:
        """Refuse what is new, finish what was accepted, snapshot every user, close the journal."""
        self._draining = True
        await self.tasks.wait_idle()
        await self.journal.drain()
        self.activations.clear()
        await self.journal.close()

    # -- dispatch --------------------------------------------------------------------------------

    def _accept(self, request: Request, later: bool) -> tuple[Activation | None, Answer]:
        if self._draining:
            return None, not_here("this host is going down", RETRY_AFTER_MS)
        if self.journal.behind:
            return None, refused(DeliveryCode.OVERLOADED, "the journal is behind", RETRY_AFTER_MS)
        users = self.activations
        activation = users.awake.get(request.user_id) or users.wake(request.user_id)
        if activation is None:
            if not users.make_room():
                full = f"{users.users} users are active in this host and none is idle"
                return None, refused(DeliveryCode.OVERLOADED, full, RETRY_AFTER_MS)
            activation = users.add(request.user_id)
        if not activation.mailbox.admit():
            full = f"{activation.mailbox.depth} messages of this user have no answer yet"
            return None, refused(DeliveryCode.USER_BUSY, full, RETRY_AFTER_MS)
        loaded = activation.epoch == self.journal.epoch
        if loaded and not activation.busy and not later:
            answer = self._handle(activation, request)
            if answer is not None:
                return activation, answer
        queued = QueuedRequest(request)
        activation.mailbox.put(queued)
        if activation.busy:
            pass  # whoever has it resumes it
        elif loaded and later:
            self._run_queue.add(activation)
        else:
            self._prepare(activation, for_change=loaded)
        return activation, queued.answer

    def _handle(self, activation: Activation, request: Request) -> Answer | None:
        """One turn on a loaded user.  None: it would change rows and the host is not open yet.

        A bug that only this request brings out is an answer to this request alone.
        """
        try:
            return self._turn_or_read(activation, request)
        except Exception:
            return internal_error()

    def _turn_or_read(self, activation: Activation, request: Request) -> Answer | None:
        actor = activation.actor
        assert actor is not None
        if not isinstance(request, Ask):
            if isinstance(request, ReadChanges):
                return actor.read_changes(request, self.journal.store_era)
            return answer_read(self._store, activation, request)
        self.activations.touch(activation)
        if actor.reaches_beyond_memory(request):
            if self.journal.commits is None:
                return None
            activation.busy = True
            return self.tasks.spawn(self._look_back(activation, actor, request))
        return self._turn(activation, actor, request)

    def _turn(
        self, activation: Activation, actor: UserActor, request: Ask, *older: HistoryEntry
    ) -> Answer | None:
        outcome = actor.decide(request, self._now(), older)
        if isinstance(outcome, Turn):
            commits = self.journal.commits
            if commits is None:
                return None
            if commits.error is not None:
                return unavailable(commits.error)
            activation.pending = self._commit(activation, outcome)
            actor.take(outcome)
            return outcome.reply, activation.pending
        # Also a refusal waits: it may rest on a turn that is not durable yet.
        return outcome if activation.pending is None else (outcome, activation.pending)

    async def _look_back(self, activation: Activation, actor: UserActor, request: Ask) -> AnyReply:
        """An undo of what has left memory: the user's next requests wait, nobody else's."""
        try:
            assert request.undoes is not None
            older = await find_entries(self._store, actor.working, request.undoes)
            if activation.epoch != self.journal.epoch:
                raise Unavailable("the journal was lost while a history was read")
            answer = self._turn(activation, actor, request, *older)
            assert answer is not None  # the host was open, and still is
        except StorageError as error:
            log.error("a history could not be read", host=self.name, reason=str(error))
            answer = unavailable(error)
        finally:
            activation.busy = False
            self._resume(activation)
        return await completed(answer)

    def _commit(self, activation: Activation, turn: Turn) -> asyncio.Future[int]:
        commit = self.journal.commit(turn.record)
        if commit not in self._undurable:
            self._undurable[commit] = []
            commit.add_done_callback(self._committed)
        self._undurable[commit].append((activation, turn))
        return commit

    def _committed(self, commit: asyncio.Future[int]) -> None:
        """A batch became durable, or never will: swap the rows in, or drop everything (P8)."""
        turns = self._undurable.pop(commit)
        if (error := commit.exception()) is not None:
            self.journal.lose(error)
            return
        failpoint("host.before_reply")
        for activation, turn in turns:
            actor = activation.actor
            assert actor is not None
            actor.made_durable(turn.state)
            if activation.pending is commit:
                activation.pending = None
            if actor.snapshot_due(self._settings.snapshot_every):
                self.tasks.spawn(self.journal.snapshots.write(actor))
            if actor.page_due():
                self.tasks.spawn(store_pages(self._store, actor))
        if self.watches.by_user:
            self.watches.publish((activation.user_id, turn.record) for activation, turn in turns)
        users = (activation.user_id for activation, _ in turns)
        self.journal.committed(commit.result(), users)

    def _drop_everybody(self, error: BaseException) -> None:
        """The journal is lost: what is in memory may never have happened."""
        for activation in self.activations.clear():
            activation.mailbox.refuse_all(unavailable(error))
        self.watches.read_anew()

    # -- loading ---------------------------------------------------------------------------------

    def _prepare(self, activation: Activation, *, for_change: bool) -> None:
        activation.busy = True
        self.tasks.spawn(self._load(activation, for_change=for_change))

    async def _load(self, activation: Activation, *, for_change: bool) -> None:
        """Bring the user's newest state into memory, then handle what has waited for it."""
        try:
            if for_change or await self.journal.left_behind():
                await self.open()
            epoch = self.journal.epoch
            actor = await self._loader.load(activation.user_id, self.journal.store_era)
        except Exception as error:
            self._give_up(activation, error)
            return
        if self.activations.holds(activation):
            activation.actor, activation.epoch, activation.busy = actor, epoch, False
            self._resume(activation)

    def _resume(self, activation: Activation) -> None:
        """Handle the requests that have waited, in order, and no more of them than fit."""
        deadline = run_deadline()
        while not activation.busy and (queued := activation.mailbox.take()) is not None:
            stale = activation.epoch != self.journal.epoch
            answer = None if stale else self._handle(activation, queued.request)
            if answer is None:
                activation.mailbox.put_back(queued)
                self._prepare(activation, for_change=not stale)
                return
            self.tasks.spawn(deliver(queued, answer))
            if time.perf_counter() > deadline and not activation.busy:
                self._run_queue.add(activation)

    def _give_up(self, activation: Activation, error: Exception) -> None:
        """The user cannot be loaded now: refuse what has waited; the next request tries again."""
        if isinstance(error, StorageError):
            log.error("user not loaded", host=self.name, reason=str(error))
        else:
            log.exception("user not loaded", host=self.name, exc_info=error)
        self.activations.remove(activation)
        activation.mailbox.refuse_all(unavailable(error))
        if isinstance(error, Spoiled):
            self._on_fenced()

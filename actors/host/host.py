"""Host: dispatches the requests of one process's users, each user's in order.

It is the same with one user and with thousands.  Reads are answered at any time; the first change
opens the journal, and every user is read anew from there on.  When the journal is lost, the state
in memory is worth nothing any more (P8): every user is dropped, the callers hear `outcome_unknown`,
and the next request starts over from what the store holds.

Not for: rules (`domain`), turns of one user (`actors.user`), the stream (`journal`), who is in
memory (`activations`), or which users it has (`actors.held_slots`).
"""

import time
from collections.abc import Callable, Sequence

import structlog

from actors.background_tasks import BackgroundTasks
from actors.errors import DeliveryCode
from actors.held_slots import HeldSlots
from actors.host.activation import Activation, UserLoader
from actors.host.activations import Activations
from actors.host.awaiting_commit import AwaitingCommit
from actors.host.history_paging import find_entries, looks_further, read_further
from actors.host.journal import HostJournal
from actors.host.mailbox import PendingReplies, PendingRequest
from actors.host.run_queue import RunQueue, later_deadline, run_deadline
from actors.host.settings import HostSettings
from actors.host.watches import Watches
from actors.messages import Ask, Read, ReadChanges, Reply, Request, not_here, not_mine, refused
from actors.user.actor import Turn, UserActor
from actors.user.refusals import RETRY_AFTER_MS, internal_error, overloaded, unavailable
from actors.user.rules import RulesInForce
from domain.messages.commands import UndoGrant
from domain.state.history import HistoryEntry
from persistence.errors import Spoiled, StorageError, Unavailable
from persistence.store import Store

log = structlog.get_logger(__name__)


class Host:
    """User actors of one process.

    Args:
        name: as placement calls this host; its journals are stored under this name.
        now: microseconds since the Unix epoch.
        on_fenced: called when another incarnation has taken over, or when this process cannot
            trust its disk any more; the process should go, and a fresh one come.
        slots: what this host has of all users; without it, everybody.
    """

    def __init__(
        self,
        name: str,
        store: Store,
        settings: HostSettings,
        *,
        now: Callable[[], int],
        on_fenced: Callable[[], None],
        slots: HeldSlots | None = None,
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
            slots=slots,
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
        self._awaiting_commit = AwaitingCommit(
            store, settings, self.journal, self.watches, self.tasks
        )
        self._slots = slots
        self._draining = False

    def accept(self, requests: Sequence[Request], deadline: float | None = None) -> PendingReplies:
        """Take requests in, in order; their answers come out of what is returned.

        After `deadline` (`run_deadline`; without one, some milliseconds from now) they wait in the
        mailboxes, so that however many there are, nobody else waits for all of them.
        """
        deadline = run_deadline() if deadline is None else deadline
        replies = PendingReplies(len(requests))
        for place, request in enumerate(requests):
            self._accept(PendingRequest(request, replies, place), deadline)
        return replies

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

    def _accept(self, pending: PendingRequest, deadline: float) -> None:
        activation = self._admit(pending)
        if activation is None:
            return
        loaded = activation.epoch == self.journal.epoch
        later = time.monotonic() > deadline
        if loaded and not activation.busy and not later and self._handle(activation, pending):
            return
        activation.mailbox.put(pending)
        if activation.busy:
            pass  # whoever has it resumes it
        elif loaded and later:
            self._run_queue.add(activation)
        else:
            self._prepare(activation, for_change=loaded)

    def _admit(self, pending: PendingRequest) -> Activation | None:
        """The user's place in memory with the request counted there, or None: it was refused."""
        user_id, users = pending.request.user_id, self.activations
        if (refusal := self._refusal(user_id)) is not None:
            pending.answer(refusal)
            return None
        activation = users.awake.get(user_id)
        if activation is None:
            if (reply := users.read_asleep(pending.request)) is not None:
                pending.answer(reply)
                return None
            activation = users.wake(user_id)
        if activation is None:
            if not users.make_room():
                full = f"{users.users} users are active in this host and none is idle"
                pending.answer(overloaded(full))
                return None
            activation = users.add(user_id)
        if not activation.mailbox.admit(pending):
            full = f"{activation.mailbox.depth} messages of this user have no answer yet"
            pending.answer(refused(DeliveryCode.USER_BUSY, full, RETRY_AFTER_MS))
            return None
        return activation

    def _refusal(self, user_id: str) -> Reply | None:
        """Why nothing can be asked of this user here and now; None while something can."""
        if self._slots is not None and not self._slots.holds(user_id):
            return not_mine()
        if self._draining:
            return not_here("this host is going down", RETRY_AFTER_MS)
        return overloaded("the journal is behind") if self.journal.behind else None

    def _handle(self, activation: Activation, pending: PendingRequest) -> bool:
        """One request to a loaded user.  False: it would change rows and the host is not open yet.

        A bug that only this request brings out is an answer to this request alone.
        """
        actor, request = activation.actor, pending.request
        assert actor is not None
        try:
            if not isinstance(request, Ask):
                self._read(activation, actor, pending, request)
                return True
            self.activations.touch(activation)
            if not actor.reaches_beyond_memory(request):
                return self._turn(activation, actor, pending, request)
            if self.journal.commits is None:
                return False
            activation.busy = True
            self.tasks.spawn(self._look_back(activation, actor, pending, request))
        except Exception:
            pending.answer(internal_error())
        return True

    def _read(
        self,
        activation: Activation,
        actor: UserActor,
        pending: PendingRequest,
        request: Read | ReadChanges,
    ) -> None:
        if isinstance(request, ReadChanges):
            pending.answer(actor.read_changes(request, self.journal.store_era))
        elif looks_further(actor, activation.pending, request):
            work = read_further(self._store, actor, activation.pending, request)
            self.tasks.spawn(pending.answer_from(work))
        else:
            pending.answer(actor.read(request))

    def _turn(
        self,
        activation: Activation,
        actor: UserActor,
        pending: PendingRequest,
        request: Ask,
        *older: HistoryEntry,
    ) -> bool:
        outcome = actor.decide(request, self._now(), older)
        if isinstance(outcome, Turn):
            commits = self.journal.commits
            if commits is None:
                return False
            if commits.error is not None:
                pending.answer(unavailable(commits.error))
                return True
            activation.pending = self.journal.commit(outcome.record)
            actor.take(outcome)
        elif activation.pending is None:
            pending.answer(outcome)
            return True
        # Also a refusal waits: it may rest on a turn that is not durable yet.
        self._awaiting_commit.put(activation.pending, activation, pending, outcome)
        return True

    async def _look_back(
        self, activation: Activation, actor: UserActor, pending: PendingRequest, request: Ask
    ) -> None:
        """An undo of what has left memory: the user's next requests wait, nobody else's."""
        try:
            command = request.decode()
            assert isinstance(command, UndoGrant)
            older = await find_entries(self._store, actor.working, command.undo_command_id)
            if activation.epoch != self.journal.epoch:
                raise Unavailable("the journal was lost while a history was read")
            self._turn(activation, actor, pending, request, *older)
        except StorageError as error:
            log.error("a history could not be read", host=self.name, reason=str(error))
            pending.answer(unavailable(error))
        except Exception:
            pending.answer(internal_error())
        finally:
            activation.busy = False
            self._resume(activation)

    def _drop_everybody(self, error: BaseException) -> None:
        """The journal is lost: what is in memory may never have happened."""
        for activation in self.activations.clear():
            activation.mailbox.refuse_all(unavailable(error))
        self.watches.read_anew()

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
        deadline = later_deadline()
        while not activation.busy and (pending := activation.mailbox.take()) is not None:
            loaded = activation.epoch == self.journal.epoch
            if not loaded or not self._handle(activation, pending):
                activation.mailbox.put_back(pending)
                self._prepare(activation, for_change=loaded)
                return
            if time.monotonic() > deadline and not activation.busy:
                self._run_queue.add(activation)

    def _give_up(self, activation: Activation, error: Exception) -> None:
        """The user cannot be loaded now: refuse what has waited; the next request tries again."""
        ours = None if isinstance(error, StorageError) else error
        log.error("user not loaded", host=self.name, reason=str(error), exc_info=ours)
        self.activations.remove(activation)
        activation.mailbox.refuse_all(unavailable(error))
        if isinstance(error, Spoiled):
            self._on_fenced()

"""Answers that await a commit: those of turns, and those that rest on a turn not yet durable.

A batch becomes durable, or never will.  Then, in this order: the rows after each turn become what
readers see, who watches hears of them, and the replies may leave; or else the journal is lost, and
nobody knows what became of the commands.

Not for: deciding them (`actors.user`), or the journal itself (`journal`).
"""

import asyncio

from actors.background_tasks import BackgroundTasks
from actors.host.activation import Activation
from actors.host.history_paging import store_pages
from actors.host.journal import HostJournal
from actors.host.mailbox import PendingRequest
from actors.host.settings import HostSettings
from actors.host.watches import Watches
from actors.messages import Reply
from actors.user.actor import Turn
from actors.user.refusals import outcome_unknown
from persistence.failpoints import failpoint
from persistence.store import Store

Undurable = tuple[Activation, PendingRequest, Turn | Reply]
"""Whose request it is, and what was decided."""


class AwaitingCommit:
    """What one host has decided and does not know to be durable, by commit."""

    def __init__(
        self,
        store: Store,
        settings: HostSettings,
        journal: HostJournal,
        watches: Watches,
        tasks: BackgroundTasks,
    ) -> None:
        self._store = store
        self._settings = settings
        self._journal = journal
        self._watches = watches
        self._tasks = tasks
        self._undurable: dict[asyncio.Future[int], list[Undurable]] = {}

    def put(
        self,
        commit: asyncio.Future[int],
        activation: Activation,
        pending: PendingRequest,
        outcome: Turn | Reply,
    ) -> None:
        """Answer the request when `commit` is over."""
        undurable = self._undurable.get(commit)
        if undurable is None:
            undurable = self._undurable[commit] = []
            commit.add_done_callback(self._finished)
        undurable.append((activation, pending, outcome))

    def _finished(self, commit: asyncio.Future[int]) -> None:
        undurable = self._undurable.pop(commit)
        if (error := commit.exception()) is not None:
            self._journal.lose(error)
            for _, pending, _ in undurable:
                pending.answer(outcome_unknown())
            return
        failpoint("host.before_reply")
        turns = [(whose, outcome) for whose, _, outcome in undurable if isinstance(outcome, Turn)]
        for activation, turn in turns:
            self._make_durable(activation, turn, commit)
        if self._watches.by_user:
            self._watches.publish((activation.user_id, turn.record) for activation, turn in turns)
        self._journal.committed(commit.result(), (activation.user_id for activation, _ in turns))
        for _, pending, outcome in undurable:
            pending.answer(outcome.reply if isinstance(outcome, Turn) else outcome)

    def _make_durable(
        self, activation: Activation, turn: Turn, commit: asyncio.Future[int]
    ) -> None:
        actor = activation.actor
        assert actor is not None
        actor.made_durable(turn.state)
        if activation.pending is commit:
            activation.pending = None
        if actor.snapshot_due(self._settings.snapshot_every):
            self._tasks.spawn(self._journal.snapshots.write(actor))
        if actor.page_due():
            self._tasks.spawn(store_pages(self._store, actor))

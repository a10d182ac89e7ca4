"""Mutants: Questkeeps that break one promise each (R22), which the test suite has to catch.

`docs/mutants.md` says which test catches which.

Not for: broken stores (`tests.persistence.disk.test_mutants`).
"""

import asyncio
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any
from weakref import WeakValueDictionary

import pytest

from actors.host import journal
from actors.host.activation import Activation, UserLoader
from actors.host.activations import Activations
from actors.host.checkpoints import Checkpoints
from actors.host.hibernation import HibernatedUser, HibernatedUsers
from actors.host.host import Host
from actors.host.journal import HostJournal
from actors.host.mailbox import PendingReplies, PendingRequest
from actors.host.snapshots import Snapshots, UserInMemory
from actors.messages import Ask, Read, Reply
from actors.user import actor as users
from actors.user.actor import Turn, UserActor
from domain.state.history import HistoryEntry
from domain.state.user_state import UserState
from persistence.codec import snapshots
from persistence.codec.snapshots import Snapshot
from persistence.disk.stream import DiskStream
from persistence.errors import StorageError, Unavailable
from persistence.journal import recovery
from persistence.journal.group_commit import GroupCommit
from persistence.journal.recovery import Folded
from persistence.store import Store, StreamId

Patch = pytest.MonkeyPatch


def replies_early(patch: Patch) -> None:
    """A reply leaves before its batch is on the disk (P1)."""

    turn = Host._turn

    def turn_and_answer(
        self: Host,
        activation: Activation,
        actor: UserActor,
        pending: PendingRequest,
        request: Ask,
        *older: HistoryEntry,
    ) -> bool:
        decided = PendingRequest(request, PendingReplies(1), 0)
        if not turn(self, activation, actor, decided, request, *older):
            return False
        on_their_way = chain.from_iterable(self._awaiting_commit._undurable.values())
        early = [outcome for _, waiting, outcome in on_their_way if waiting is decided]
        for outcome in early:
            pending.answer(outcome.reply if isinstance(outcome, Turn) else outcome)
        decided.replies.when_complete(lambda replies: None if early else pending.answer(replies[0]))
        return True

    patch.setattr(Host, "_turn", turn_and_answer)


def snapshots_without_receipts(patch: Patch) -> None:
    """Passivation and checkpoints forget what was answered (P4)."""
    encode = snapshots.encode_snapshot
    patch.setattr(users, "encode_snapshot", lambda state, receipts: encode(state, ()))


def records_without_receipts(patch: Patch) -> None:
    """Recovery puts the rows and forgets what was answered (P4)."""
    put = recovery.put_records

    def forget(snapshot: Snapshot, records: Any, window: int) -> Snapshot:
        return Snapshot(put(snapshot, records, window).state, snapshot.receipts)

    patch.setattr(recovery, "put_records", forget)


def forgets_what_is_on_its_way(patch: Patch) -> None:
    """A receipt counts only once it is durable: a copy that comes earlier is a new command (P4)."""

    def take(self: UserActor, turn: Turn) -> None:
        self.working = turn.state
        self.receipts._on_their_way += 1
        remember = self.receipts._loose.__setitem__
        asyncio.get_running_loop().call_later(
            0.005, remember, turn.receipt.command_id, turn.receipt
        )

    patch.setattr(UserActor, "take", take)


def forgets_for_what_is_on_its_way(patch: Patch) -> None:
    """A turn that may never become durable pushes the oldest receipt out of the window (P4)."""
    take, made_durable = UserActor.take, UserActor.made_durable

    def take_and_settle(self: UserActor, turn: Turn) -> None:
        take(self, turn)
        self.receipts.confirm()

    def made_durable_again(self: UserActor, state: UserState) -> None:
        self.receipts._on_their_way += 1
        made_durable(self, state)

    patch.setattr(UserActor, "take", take_and_settle)
    patch.setattr(UserActor, "made_durable", made_durable_again)


def serves_users_read_before_it_opened(patch: Patch) -> None:
    """A user who was read before another incarnation wrote is not read anew (P2, P3)."""
    load = UserLoader.load
    in_memory: WeakValueDictionary[tuple[UserLoader, str], UserActor] = WeakValueDictionary()

    async def load_once(self: UserLoader, user_id: str, store_era: str) -> UserActor:
        if (self, user_id) not in in_memory:
            in_memory[self, user_id] = await load(self, user_id, store_era)
        return in_memory[self, user_id]

    patch.setattr(UserLoader, "load", load_once)


def snapshots_what_is_not_durable(patch: Patch) -> None:
    """A snapshot holds turns whose append is still on its way (P6, P8)."""

    write = Snapshots.write

    async def write_working(self: Snapshots, user: UserInMemory) -> bool:
        if not isinstance(user, UserActor):
            return await write(self, user)
        version = user.working.version
        if version > user.snapshot_version:
            payload = snapshots.encode_snapshot(user.working, user.receipts)
            await self._store.write_snapshot(user.user_id, version, payload)
            user.snapshot_version = version
        return True

    patch.setattr(Snapshots, "write", write_working)


def believes_in_failed_snapshots(patch: Patch) -> None:
    """A snapshot that was not written counts as written, and the journal is dropped (P7)."""
    write = Snapshots.save

    async def believe(self: Snapshots, user: UserInMemory) -> None:
        try:
            await write(self, user)
        except StorageError:
            if isinstance(user, UserActor):
                user.snapshot_version = user.durable.version

    patch.setattr(Snapshots, "save", believe)


def shows_what_is_not_durable(patch: Patch) -> None:
    """Readers see rows whose append is still on its way."""
    read = UserActor.read

    def read_working(self: UserActor, request: Read) -> Reply:
        durable, self.durable = self.durable, self.working
        try:
            return read(self, request)
        finally:
            self.durable = durable

    patch.setattr(UserActor, "read", read_working)


def appends_again_after_a_failure(patch: Patch) -> None:
    """A failed append is tried again on the same file (P8)."""
    append = DiskStream._append

    def stubborn(self: DiskStream, payload: bytes) -> int:
        for _ in range(200):
            try:
                return append(self, payload)
            except Unavailable:
                self._over = None
        return append(self, payload)

    patch.setattr(DiskStream, "_append", stubborn)


def keeps_users_after_a_failed_append(patch: Patch) -> None:
    """What may never have happened is served on (P8)."""
    lose = HostJournal.lose

    def lose_nobody(self: HostJournal, error: BaseException) -> None:
        epoch = self.epoch
        lose(self, error)
        self.epoch = epoch

    def keep(self: Host, error: BaseException) -> None:
        for activation in self.activations.awake.values():
            activation.pending = None

    patch.setattr(HostJournal, "lose", lose_nobody)
    patch.setattr(Host, "_drop_everybody", keep)
    serves_users_read_before_it_opened(patch)


def opens_without_folding(patch: Patch) -> None:
    """What the dead journalled is left where it is (P7)."""

    async def leave(store: Store, streams: Sequence[StreamId], window: int) -> Folded:
        return Folded(0, 0, 0, 0.0)

    patch.setattr(journal, "fold", leave)


def folds_without_a_fence(patch: Patch) -> None:
    """A stream is read and dropped while its writer may still live (P3)."""
    fold = recovery.fold

    class Unfenced:
        def __init__(self, store: Store) -> None:
            self._store = store

        def __getattr__(self, name: str) -> Any:
            return getattr(self._store, name)

        async def fence(self, stream: StreamId) -> None: ...

        async def drop(self, stream: StreamId) -> None: ...

    async def unfenced(store: Store, streams: Sequence[StreamId], window: int) -> Folded:
        return await fold(Unfenced(store), streams, window)  # type: ignore[arg-type]

    patch.setattr(journal, "fold", unfenced)


def drops_journals_before_it_folds(patch: Patch) -> None:
    """The journal goes first, the snapshots come second (P7)."""
    fold_user = recovery._fold_user
    dropped: set[int] = set()

    async def drop_first(store: Store, user_id: str, *rest: Any) -> None:
        if id(store) not in dropped:
            dropped.add(id(store))
            standing = await store.streams()
            for stream in standing[:-1]:
                await store.drop(stream)
        await fold_user(store, user_id, *rest)

    patch.setattr(recovery, "_fold_user", drop_first)


def forgets_a_batch(patch: Patch) -> None:
    """Every so often a batch is acknowledged that was never appended (P1)."""
    write = GroupCommit._write
    turn = iter(range(10**9))

    async def careless(self: GroupCommit) -> None:
        if next(turn) % 3 == 2:
            gather = self._gathers.popleft()
            self._writer = None
            gather.durable.set_result(0)
            self.pending_bytes -= gather.bytes
            if not self._gathers:
                return
        await write(self)

    patch.setattr(GroupCommit, "_write", careless)


def hibernates_with_a_turn_on_its_way(patch: Patch) -> None:
    """A user falls asleep as they are durable, and what is on its way is forgotten (P2)."""
    hibernate = Activations.hibernate

    def hasty(self: Activations, activation: Activation) -> bool:
        activation.mailbox.depth, activation.pending = 0, None
        return hibernate(self, activation)

    patch.setattr(Activations, "hibernate", hasty)


def evicts_unsaved_users(patch: Patch) -> None:
    """A hibernated user leaves memory although only the journal has their newest turns (P1)."""

    def forget(self: HibernatedUsers, user: HibernatedUser) -> bool:
        return self._users.pop(user.user_id, None) is not None

    patch.setattr(HibernatedUsers, "forget", forget)


def checkpoints_without_hibernated_users(patch: Patch) -> None:
    """A checkpoint drops the journal and looks at users awake only (P7)."""
    write = Snapshots.save

    async def believe(self: Snapshots, user: UserInMemory) -> None:
        if not isinstance(user, HibernatedUser):
            await write(self, user)

    patch.setattr(Snapshots, "save", believe)


def cuts_the_journal_at_its_end(patch: Patch) -> None:
    """A cut drops whatever is durable, not only what snapshots hold (P7)."""
    patch.setattr(Checkpoints, "_oldest_needed", lambda self: self._sequence + 1)


def forgets_what_came_during_a_snapshot(patch: Patch) -> None:
    """A user counts as covered when their snapshot stands, not as of when it was made (P7)."""
    write = Checkpoints._write

    async def forget(self: Checkpoints, entry: Any) -> None:
        await write(self, entry)
        self._oldest.pop(entry.user_id, None)

    patch.setattr(Checkpoints, "_write", forget)


def wakes_users_from_before_it_opened(patch: Patch) -> None:
    """Who slept while the host opened wakes as they were read before (P2, P3)."""
    patch.setattr(HibernatedUsers, "clear", lambda self: None)


MUTANTS: dict[str, Callable[[Patch], None]] = {
    one.__name__: one
    for one in (
        replies_early,
        snapshots_without_receipts,
        records_without_receipts,
        forgets_what_is_on_its_way,
        forgets_for_what_is_on_its_way,
        serves_users_read_before_it_opened,
        snapshots_what_is_not_durable,
        believes_in_failed_snapshots,
        shows_what_is_not_durable,
        appends_again_after_a_failure,
        keeps_users_after_a_failed_append,
        opens_without_folding,
        folds_without_a_fence,
        drops_journals_before_it_folds,
        forgets_a_batch,
        hibernates_with_a_turn_on_its_way,
        evicts_unsaved_users,
        checkpoints_without_hibernated_users,
        cuts_the_journal_at_its_end,
        forgets_what_came_during_a_snapshot,
        wakes_users_from_before_it_opened,
    )
}


def apply(name: str, patch: Patch) -> None:
    """Break this process in that way; an empty name breaks nothing."""
    if name:
        MUTANTS[name](patch)

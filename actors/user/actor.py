"""One user's actor: rows and receipts in memory, one command at a time, decided by pure rules.

Everything here is synchronous, so a turn cannot be interrupted by another message of the same user.
`working` is ahead of `durable` by the turns whose journal batch is on its way; commands see the
first, readers only the second, and a reply that depends on an undurable turn waits for it.

Not for: waiting, journals, snapshots (`host`).
"""

from collections.abc import Iterable

from msgspec import Struct

from actors.messages import Ask, Read, ReadChanges, Reply, View, answered, refused
from actors.user.bodies import AnyReply, reply_with, write_body
from actors.user.missed_changes import answer_changes
from actors.user.rules import RulesInForce
from actors.user.views import missing, rows_of
from domain.decide.dispatch import decide
from domain.decide.limits import over_limit
from domain.decide.once import receipt_gone
from domain.messages.commands import fingerprint
from domain.messages.decision import Decision
from domain.messages.rejections import Code, Rejection
from domain.messages.reply import BriefReply, BriefUserReply, ReplyBody, UserReply
from domain.state.history import HISTORY_PAGE, HISTORY_TAIL, HistoryEntry
from domain.state.receipts import Receipt, Receipts
from domain.state.user_state import NOTHING, UserState
from persistence.codec.formats import FORMAT
from persistence.codec.records import Record, decode_decision, encode_decision, encode_record
from persistence.codec.snapshots import encode_snapshot, snapshot_slices

LARGE_ROWS = 1_000
LARGE_BYTES = 1024 * 1024
"""A user with more rows, or with larger receipts, is large: see `UserActor.is_large`."""


class Turn(Struct, frozen=True):
    """A command that changes the user: what to journal, and what to answer once that is durable."""

    record: bytes
    state: UserState
    receipt: Receipt
    entries: tuple[HistoryEntry, ...]
    reply: Reply


class UserActor:
    """The rows of one user and the turns on them.

    `snapshot_version` is the version that stands in the store as a snapshot, the state's own unless
    told otherwise.
    """

    def __init__(
        self,
        state: UserState,
        receipts: Receipts,
        rules: RulesInForce,
        snapshot_version: int | None = None,
    ) -> None:
        self.durable = state
        self.working = state
        self.receipts = receipts
        receipts.remember_history(state.history)
        self.snapshot_version = state.version if snapshot_version is None else snapshot_version
        self.storing_pages = False
        self._packed_version = -1
        self._snapshot_begun = self.snapshot_version
        self._page_due_at = HISTORY_TAIL + HISTORY_PAGE
        self._forgotten_through = 0
        self._in_force = rules

    @property
    def user_id(self) -> str:
        """Whose rows they are."""
        return self.durable.user_id

    @property
    def version(self) -> int:
        """The durable state's version."""
        return self.durable.version

    def reaches_beyond_memory(self, ask: Ask) -> bool:
        """Whether deciding this command takes entries of the history that have left memory."""
        if ask.kind != "undo_grant" or self.receipts.find(ask.command_id) is not None:
            return False
        return self.working.history_stored_through > 0

    def decide(self, ask: Ask, now: int, older: tuple[HistoryEntry, ...] = ()) -> Turn | Reply:
        """Handle one command: a turn to `take`, or a reply that changes nothing.

        `older` is what an undo that reaches beyond memory found there.
        """
        command_id, before = ask.command_id, self.working
        mark = fingerprint(ask.command)
        receipt = self.receipts.find(command_id)
        if receipt is not None:
            return _replay(receipt, mark, ask)
        gone = receipt_gone(command_id, ask.since, before, self.receipts)
        if gone is not None:
            return refused(gone.code, gone.detail)
        rules = self._in_force.rules
        decision = decide(before, ask.decode(), now, rules, older)
        if isinstance(decision, Rejection):
            return refused(decision.code, decision.detail)
        if decision.changes == NOTHING:
            return _reply(ask, before.version, decision)
        state = before.put(decision.changes)
        over = over_limit(decision.changes, before, state, self._in_force.limits)
        if over is not None:
            return refused(over.code, over.detail)
        if ask.dry_run:
            return _reply(ask, before.version, decision)
        stored = encode_decision(decision)
        record = Record(
            format=FORMAT,
            user_id=state.user_id,
            era=state.era,
            version=state.version,
            command_id=command_id,
            fingerprint=mark,
            decision=stored,
        )
        return Turn(
            record=encode_record(record),
            state=state,
            receipt=Receipt(command_id, mark, state.version, stored),
            entries=decision.changes.history,
            reply=_reply(ask, state.version, decision),
        )

    def take(self, turn: Turn) -> None:
        """Let later commands see the turn, before it is durable."""
        self.working = turn.state
        self.receipts.add(turn.receipt, turn.entries)

    def made_durable(self, state: UserState) -> None:
        """The oldest turn that was taken is durable and led to `state`."""
        forgotten = self._forgotten_through
        if forgotten and state.history_stored_through < forgotten:
            # History entries have left memory since the turn was decided.
            state = state.without_history_through(forgotten)
        self.durable = state
        self.receipts.confirm()

    def snapshot_due(self, every: int) -> bool:
        """Whether `every` durable changes have gathered since the last snapshot began."""
        if self.durable.version - self._snapshot_begun < every:
            return False
        self._snapshot_begun = self.durable.version
        return True

    def page_due(self) -> bool:
        """Whether to begin storing pages of the history; not again before `pages_stored`."""
        if self.storing_pages or self.durable.history.length < self._page_due_at:
            return False
        self.storing_pages = True
        return True

    def pages_stored(self) -> None:
        """None is left to store, or one could not be stored: then the next try is a page later."""
        self.storing_pages = False
        gathered = len(self.durable.history)
        full = HISTORY_TAIL + HISTORY_PAGE
        self._page_due_at = full if gathered < full else gathered + HISTORY_PAGE

    def forget_history_through(self, sequence: int) -> None:
        """Let entries that stand in stored pages leave memory."""
        self.durable = self.durable.without_history_through(sequence)
        self.working = self.working.without_history_through(sequence)
        self._forgotten_through = self.durable.history_stored_through
        self.receipts.remember_history(self.working.history)

    def is_large(self) -> bool:
        """Whether encoding all of the user at once would hold up the other users of the host."""
        state = self.durable
        rows = len(state.quests) + len(state.battles) + len(state.chapters) + len(state.history)
        rows += len(state.inventory) + len(state.wallet) + len(state.affinity) + len(state.repeats)
        rows += state.open_quests.objectives
        if rows > LARGE_ROWS or state.quests.bytes > LARGE_BYTES:
            return True
        return sum(len(receipt.decision) for receipt in self.receipts) > LARGE_BYTES

    def pack(self) -> bool:
        """Take less memory until the next turn; whether anything was done.  All must be durable.

        Not for large users: they would hold up others, and mostly own what is not settled.
        """
        if self._packed_version == self.durable.version:
            return False
        self._packed_version = self.durable.version
        if self.is_large():
            return False
        self.durable = self.working = self.durable.packed()
        self.receipts.pack()
        return True

    def snapshot(self) -> Iterable[bytes]:
        """The durable state with its receipts, for the store; in slices if the user is large."""
        version = self.durable.version
        receipts = [receipt for receipt in self.receipts if receipt.version <= version]
        if self.is_large():
            return snapshot_slices(self.durable, receipts)
        return [encode_snapshot(self.durable, receipts)]

    def read(self, request: Read) -> AnyReply:
        """Answer from the durable rows; writes nothing."""
        state = self.durable
        if request.view is View.COMMAND:
            receipt = self.receipts.find(request.key)
            if receipt is None or receipt.version > state.version:
                return missing(Code.COMMAND_NOT_FOUND, "command_id", request.key)
            decision = _decision_of(receipt)
            body = ReplyBody(
                receipt.command_id, receipt.version, True, decision.changes, decision.events
            )
            return answered(write_body(body, request.media), state.position)
        rows = rows_of(state, self._in_force.rules, request)
        if isinstance(rows, Reply):
            return rows
        head = {"user_id": state.user_id, "version": state.version}
        return reply_with({**head, **rows}, request.media, state.position)

    def read_changes(self, request: ReadChanges, store_era: str) -> AnyReply:
        """Answer with what was missed, or with all durable rows; writes nothing."""
        rules = self._in_force.rules
        return answer_changes(self.durable, self.receipts, rules, request, store_era)


def _replay(receipt: Receipt, mark: bytes, ask: Ask) -> Reply:
    """The first reply again, or a refusal when the id was used for something else (P4)."""
    if receipt.fingerprint != mark:
        return refused(
            Code.COMMAND_ID_REUSED,
            f"command_id {receipt.command_id} was used for another command, expected the same "
            "content or a new id",
        )
    if ask.brief:
        return _brief(ask, receipt.version, replayed=True)
    return _whole(ask, receipt.version, _decision_of(receipt), replayed=True)


def _decision_of(receipt: Receipt) -> Decision:
    return decode_decision(receipt.decision, f"receipt of {receipt.command_id}")


def _reply(ask: Ask, version: int, decision: Decision) -> Reply:
    """The first reply to a command, whole or in brief, as the client asked for it."""
    if ask.brief:
        return _brief(ask, version, replayed=False)
    return _whole(ask, version, decision, replayed=False)


def _brief(ask: Ask, version: int, *, replayed: bool) -> Reply:
    body = (
        BriefUserReply(ask.command_id, version, replayed, ask.user_id)
        if ask.named
        else BriefReply(ask.command_id, version, replayed)
    )
    return answered(write_body(body, ask.media))


def _whole(ask: Ask, version: int, decision: Decision, *, replayed: bool) -> Reply:
    members = (ask.command_id, version, replayed, decision.changes, decision.events)
    body = UserReply(*members, ask.user_id) if ask.named else ReplyBody(*members)
    return answered(write_body(body, ask.media))

"""What travels between the gateway and a user's actor: requests one way, replies the other.

Bodies leave a host as the client asked for them (JSON or msgpack), so that nobody on the way opens
them again.  Both directions are msgpack arrays, at most a batch at a time.
"""

from enum import StrEnum

from msgspec import Struct

from actors.errors import DeliveryCode
from domain.messages.commands import Command, canonical, read_canonical
from domain.state.position import Position

MOVED_RETRY_AFTER_MS = 250


class Media(StrEnum):
    """How a body is written."""

    JSON = "json"
    MSGPACK = "msgpack"


class View(StrEnum):
    """What can be read of a user."""

    USER = "user"
    UNSETTLED = "unsettled"
    PROGRESSION = "progression"
    CHAPTERS = "chapters"
    CHAPTER = "chapter"
    QUESTS = "quests"
    QUEST = "quest"
    BATTLES = "battles"
    BATTLE = "battle"
    HISTORY = "history"
    COMMAND = "command"


class Ask(Struct, frozen=True, array_like=True, tag=True):
    """A command for one user, checked and encoded once, at the border (`Ask.of`).

    Attributes:
        kind: the type of the command.
        command: its canonical content; what a receipt knows it by, and enough to answer it again.
        since: the position the sender had seen when it was first sent, where it names one.
        brief: leave what changed and what happened out of the reply.
        dry_run: only say what would happen.
        named: say in the reply whose it is.
    """

    user_id: str
    command_id: str
    kind: str
    command: bytes
    media: Media
    since: str | None = None
    brief: bool = False
    dry_run: bool = False
    named: bool = False

    @classmethod
    def of(
        cls,
        user_id: str,
        command: Command,
        media: Media,
        *form: bool,
    ) -> "Ask":
        """The message that carries `command`; `form` is `brief`, `dry_run` and `named`."""
        content, kind = canonical(command), command.type
        return cls(user_id, command.command_id, kind, content, media, command.since, *form)

    def decode(self) -> Command:
        """The command as it was checked."""
        return read_canonical(self.kind, self.command)


class Read(Struct, frozen=True, array_like=True, tag=True):
    """A look at one user's durable rows; writes nothing and delays no passivation.

    Attributes:
        key: the row, where the view is of one; in a list, the row after which the page begins.
        after: the same in the history: a sequence.
        limit: rows of a page at most; 0 where the reader names none.
        only: the states that rows of a list are to have; empty for all of them.
    """

    user_id: str
    view: View
    key: str
    media: Media
    after: int = 0
    limit: int = 0
    only: tuple[str, ...] = ()


class ReadChanges(Struct, frozen=True, array_like=True, tag=True):
    """What a reader at position `after` has missed; writes nothing and delays no passivation.

    The body of the reply is what `decode_missed` reads; or, where what was missed cannot be told,
    everything the user owns as a `state` frame, and the reply's `detail` says why.

    Attributes:
        after: None for whoever knows nothing yet; without an era, a version of the present one.
        media: of the `state` frame.
        unsettled: leave quests and battles that are over out of it, and count them.
        rows: the members of rows that it has; empty for all of them.
    """

    user_id: str
    after: Position | None = None
    media: Media = Media.JSON
    unsettled: bool = False
    rows: tuple[str, ...] = ()


Request = Ask | Read | ReadChanges


class Reply(Struct, frozen=True, array_like=True):
    """The answer to one request: a body with `code` empty, or a refusal with its code and sentence.

    `retry_after_ms` is set on refusals that are worth asking again, unchanged.  `retry_elsewhere`:
    this host is leaving or not ready and did nothing; a channel finds the user's host again.
    `moved`: this host does not have the user, or no longer, and did nothing; the newest slot table
    says who has.
    `position` is that of the rows that a read shows: the era, a dot and the version; empty where
    the store has no era yet.  `detail` of an answer to `ReadChanges`: why it is the whole state.
    """

    code: str
    body: bytes
    detail: str
    retry_after_ms: int | None = None
    retry_elsewhere: bool = False
    position: str = ""
    moved: bool = False


def answered(body: bytes, position: str = "") -> Reply:
    """A reply that carries a body."""
    return Reply("", body, "", position=position)


def not_here(detail: str, retry_after_ms: int) -> Reply:
    """A reply of a host that is leaving or not ready: whoever carries it asks another one."""
    return Reply(DeliveryCode.DRAINING, b"", detail, retry_after_ms, retry_elsewhere=True)


def not_mine() -> Reply:
    """A reply of a host that does not have the user: whoever has the newest slot table knows."""
    detail = "this user is moving to another host"
    return Reply(DeliveryCode.USER_UNAVAILABLE, b"", detail, MOVED_RETRY_AFTER_MS, moved=True)


def refused(code: str, detail: str, retry_after_ms: int | None = None) -> Reply:
    """A reply that carries a refusal."""
    return Reply(code, b"", detail, retry_after_ms)

"""Commands of one connection on their way: checked, asked of their hosts, answered in their lines.

Commands that arrive together are asked together, those of one host in one piece.

Not for: the order of answers (`user_line`), or the checks themselves (`gateway.api.commands`).
"""

from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from msgspec.structs import replace

from actors.background_tasks import BackgroundTasks
from actors.messages import Ask
from gateway.api.commands.execution import HostWindow, pieces_of
from gateway.api.commands.reply_form import ReplyForm
from gateway.api.commands.validation import CommandChecker, check_all, command_id_of, type_label
from gateway.api.user_requests import UserRequests
from gateway.auth.authenticator import Caller
from gateway.live.client_frames import Frame
from gateway.live.opening import Wish
from gateway.live.user_line import Sent, UserLine
from gateway.metrics.counters import Metrics
from gateway.problems import Problem


class CommandServices(NamedTuple):
    """What commands need of the gateway; one for all its connections.

    Attributes:
        too_often: counts a command of a caller, or says why it is one too many.
        counted: entered while something is asked: the server then waits for it before it ends.
    """

    users: UserRequests
    metrics: Metrics
    too_often: Callable[[Caller, str], Problem | None]
    counted: Callable[[], AbstractContextManager[None]]


class _Refused(NamedTuple):
    """A frame that is no command."""

    user_id: str
    command_id: str
    kind: str
    problem: Problem


_Checked = Ask | _Refused


class _Asked(NamedTuple):
    """A command on its way, and where its outcome goes."""

    ask: Ask
    sent: Sent
    line: UserLine


class Lines(Protocol):
    """The users of one connection."""

    def line_of(self, user_id: str) -> UserLine:
        """The user's line."""
        ...

    def answered(self, line: UserLine) -> None:
        """An outcome of one of its commands is known."""
        ...


class Commands:
    """The commands of one connection.

    Attributes:
        unanswered: how many were taken and have no outcome yet.
    """

    __slots__ = (
        "_checking",
        "_form",
        "_lines",
        "_services",
        "_tasks",
        "_waiting",
        "_windows",
        "_wish",
        "unanswered",
    )

    def __init__(
        self,
        services: CommandServices,
        wish: Wish,
        lines: Lines,
        tasks: BackgroundTasks,
    ) -> None:
        self.unanswered = 0
        self._services = services
        self._wish = wish
        self._form = wish.form
        self._lines: Lines | None = lines
        self._waiting: list[Ask | Frame] = []
        self._windows: dict[Hashable, HostWindow] = {}
        self._tasks = tasks
        self._checking = False

    def take(self, commands: Sequence[Ask] | Sequence[Frame]) -> None:
        """Commands in the order in which they came: checked ones, or frames that are not yet."""
        self.unanswered += len(commands)
        if not self._checking and isinstance(commands[0], Ask):
            if self._lines is not None:
                asks = [command for command in commands if isinstance(command, Ask)]
                self._go(asks, self._lines)
            return
        self._waiting.extend(commands)
        if not self._checking:
            self._checking = True
            self._tasks.spawn(self._check_waiting())

    def close(self) -> None:
        """Answer nobody any more.  What was asked is carried out all the same."""
        self._waiting.clear()
        self._lines = None

    async def _check_waiting(self) -> None:
        try:
            while self._waiting:
                commands, self._waiting = self._waiting, []
                checked = await check_all(_Check(self._wish, self._form), commands)
                if self._lines is not None:
                    self._go(checked, self._lines)
        finally:
            self._checking = False

    def _go(self, checked: Sequence[_Checked], lines: Lines) -> None:
        """Give each its place in its user's line, then ask the hosts."""
        by_host: dict[Hashable, list[_Asked]] = {}
        refused: list[UserLine] = []
        counts: list[tuple[str, str]] = []
        for each in checked:
            line = lines.line_of(each.user_id)
            if isinstance(each, Ask):
                problem = self._services.too_often(self._wish.caller, each.command_id)
                if problem is not None:
                    each = _Refused(each.user_id, each.command_id, each.kind, problem)
            if isinstance(each, _Refused):
                line.unanswered.append(Sent(each.command_id, each.problem))
                refused.append(line)
                counts.append((each.kind, each.problem.code))
                continue
            sent = Sent(each.command_id)
            line.unanswered.append(sent)
            ask = replace(each, brief=False) if each.brief and line.watched else each
            asked = by_host.setdefault(self._services.users.host_of(ask.user_id), [])
            asked.append(_Asked(ask, sent, line))
        for line in refused:
            self._done(line)
        self._services.metrics.commands(counts)
        for host, asked in by_host.items():
            for piece in pieces_of(asked):
                self._tasks.spawn(self._ask_host(host, piece))

    async def _ask_host(self, host: Hashable, asked: Sequence[_Asked]) -> None:
        window = self._windows.setdefault(host, HostWindow())
        with self._services.counted():
            outcomes = await window.ask(self._services.users, [each.ask for each in asked])
        if window.idle:
            self._windows.pop(host, None)
        for each, outcome in zip(asked, outcomes, strict=True):
            each.sent.outcome = outcome
            self._done(each.line)
        kinds = (each.ask.kind for each in asked)
        codes = (outcome.code or "ok" for outcome in outcomes)
        self._services.metrics.commands(zip(kinds, codes, strict=True))

    def _done(self, line: UserLine) -> None:
        self.unanswered -= 1
        if self._lines is not None:
            self._lines.answered(line)


class _Check:
    """Checks frames that are commands, or are meant as such."""

    def __init__(self, wish: Wish, form: ReplyForm) -> None:
        self._checker = CommandChecker(wish.caller)
        self._only = wish.only
        self._form = form

    def __call__(self, command: object) -> _Checked:
        if isinstance(command, Ask):
            return command
        if self._only is None:
            user_id, checked = self._checker.check_addressed(command)
        else:
            user_id, checked = self._only, self._checker.check(command)
        if isinstance(checked, Problem):
            command_id = command_id_of(command) or ""
            return _Refused(user_id, command_id, type_label(command), checked)
        return self._form.ask(user_id, checked)

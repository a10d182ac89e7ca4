"""Commands of one connection on their way: checked, asked of their hosts, answered in their lines.

Commands that arrive together are asked together, those of one host in one piece.

Not for: the order of answers (`user_line`), or the checks themselves (`gateway.api.commands`).
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Hashable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

from msgspec.structs import replace

from actors.background_tasks import BackgroundTasks
from actors.messages import Ask, Reply
from gateway.api.commands.execution import ASKED_TOGETHER_MAX, Outcome
from gateway.api.commands.reply_form import ReplyForm
from gateway.api.commands.validation import CommandChecker, check_all, command_id_of, type_label
from gateway.api.rate_limit import RateLimit
from gateway.api.user_requests import UserRequests
from gateway.auth.authenticator import Caller
from gateway.live.client_frames import Frame
from gateway.live.opening import Wish
from gateway.live.user_line import Sent, UserLine
from gateway.metrics.counters import Metrics
from gateway.problems import Problem, refusal


class CommandServices(NamedTuple):
    """What commands need of the gateway; one for all its connections.

    Attributes:
        limit_of: the rate limit for a caller.
        counted: entered while something is asked: the server then waits for it before it ends.
    """

    users: UserRequests
    metrics: Metrics
    limit_of: Callable[[Caller], RateLimit]
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


class Commands:
    """The commands of one connection.

    Attributes:
        unanswered: how many were taken and have no outcome yet.
    """

    def __init__(
        self,
        services: CommandServices,
        wish: Wish,
        line_of: Callable[[str], UserLine],
        answered: Callable[[UserLine], None],
        broke: Callable[[Exception], None],
    ) -> None:
        self.unanswered = 0
        self._services = services
        self._wish = wish
        self._form = wish.form
        self._line_of = line_of
        self._answered = answered
        self._broke = broke
        self._waiting: deque[Ask | Frame] = deque()
        self._tasks = BackgroundTasks()
        self._checking = False

    def take(self, commands: Sequence[Ask] | Sequence[Frame]) -> None:
        """Commands in the order in which they came: checked ones, or frames that are not yet."""
        self.unanswered += len(commands)
        if not self._checking and isinstance(commands[0], Ask):
            self._go([command for command in commands if isinstance(command, Ask)])
            return
        self._waiting.extend(commands)
        if not self._checking:
            self._checking = True
            self._tasks.spawn(self._guarded(self._check_waiting()))

    def close(self) -> None:
        """Answer nobody any more.  What was asked is carried out all the same."""
        self._waiting.clear()
        self._line_of, self._answered = _no_line, _nobody

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:
            self._broke(error)

    async def _check_waiting(self) -> None:
        try:
            while self._waiting:
                commands = list(self._waiting)
                self._waiting.clear()
                checked = await check_all(_Check(self._wish, self._form), commands)
                if self._line_of is not _no_line:
                    self._go(checked)
        finally:
            self._checking = False

    def _go(self, checked: Sequence[_Checked]) -> None:
        """Give each its place in its user's line, then ask the hosts."""
        by_host: dict[Hashable, list[_Asked]] = {}
        refused: list[UserLine] = []
        counts: list[tuple[str, str]] = []
        for each in checked:
            line = self._line_of(each.user_id)
            if isinstance(each, Ask) and (problem := self._too_often(each)) is not None:
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
        for asked in by_host.values():
            for piece in _pieces(asked):
                self._tasks.spawn(self._guarded(self._ask_host(piece)))

    def _too_often(self, ask: Ask) -> Problem | None:
        caller = self._wish.caller
        now = asyncio.get_running_loop().time()
        wait_ms = self._services.limit_of(caller).wait_ms(caller.sub, now)
        if not wait_ms:
            return None
        detail = f"More commands come from {caller.role} {caller.sub} than one may send"
        command_id = ask.command_id
        return Problem("too_many_requests", detail, command_id=command_id, retry_after_ms=wait_ms)

    async def _ask_host(self, asked: Sequence[_Asked]) -> None:
        outcomes: Sequence[Outcome]
        counts: list[tuple[str, str]] = []
        with self._services.counted():
            try:
                outcomes = await self._services.users.ask_host([each.ask for each in asked])
            except Problem as problem:
                outcomes = [problem.of_command(each.ask.command_id, None) for each in asked]
        for each, outcome in zip(asked, outcomes, strict=True):
            if isinstance(outcome, Reply) and outcome.code:
                outcome = refusal(outcome, each.ask.command_id)
            each.sent.outcome = outcome
            counts.append((each.ask.kind, outcome.code or "ok"))
            self._done(each.line)
        self._services.metrics.commands(counts)

    def _done(self, line: UserLine) -> None:
        self.unanswered -= 1
        self._answered(line)


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


def _pieces(asked: Sequence[_Asked]) -> Iterator[Sequence[_Asked]]:
    for start in range(0, len(asked), ASKED_TOGETHER_MAX):
        yield asked[start : start + ASKED_TOGETHER_MAX]


def _no_line(user_id: str) -> UserLine:
    raise ConnectionError("the connection is gone")


def _nobody(line: UserLine) -> None:
    """The connection is gone."""

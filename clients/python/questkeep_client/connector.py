"""Stays connected: one task opens a line, feeds the session, and opens the next when it ends.

Not for: what frames mean (`session`) or what people call (`client`).
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Literal

from websockets.exceptions import ConnectionClosed

from questkeep_client.line import Line, Refused, open_line
from questkeep_client.protocol.backoff import waiting_seconds
from questkeep_client.protocol.closing import TOKEN, Next, after_close
from questkeep_client.protocol.outbox import Pending
from questkeep_client.protocol.problems import SAME, Closed, Gap, Problem
from questkeep_client.protocol.session import Frame, Session
from questkeep_client.tokens import Token, TokenSource, fetch_token

Status = Literal["connecting", "live", "waiting", "closed"]
log = logging.getLogger("questkeep_client")

WAKE_SECONDS = 3.0
_UNAUTHENTICATED = 401


class Connector:
    """Keeps a session's line open until it is told to close, or until the server says for good."""

    def __init__(
        self, url: str, form: str, source: TokenSource, token: Token, session: Session
    ) -> None:
        self.status: Status = "connecting"
        self.ended: Closed | None = None
        self.token = token
        self.on_status: Callable[[Status], None] = lambda status: None
        self._url = url
        self._format = form
        self._source = source
        self._session = session
        self._line: Line | None = None
        self._renewals: set[asyncio.Task[None]] = set()
        self._task = asyncio.create_task(self._run())

    def write(self, frames: list[Frame]) -> None:
        """Send frames now if there is a line; `Session.opened` repeats what matters on the next."""
        if self._line is not None and frames:
            self._line.write(frames)

    def wake(self) -> None:
        """This machine slept or changed its network: ask whether the line is alive, wait 3 s."""
        line = self._line
        if line is None:
            return
        heard = line.heard
        line.write([{"type": "tick"}])
        loop = asyncio.get_running_loop()
        loop.call_later(WAKE_SECONDS, lambda: line.cut() if line.heard == heard else None)

    def cut(self) -> None:
        """Break the line as a bad network would.  The client resumes at once: for tests."""
        if self._line is not None:
            self._line.cut()

    async def close(self) -> None:
        """Leave; whoever waits for an answer hears `Closed`."""
        for task in (self._task, *self._renewals):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self._finish(Closed(1000, "closed by this client"))

    async def _run(self) -> None:
        try:
            await self._stay_connected()
        except Exception as bug:
            self._finish(Closed(1000, f"a bug in this client: {bug!r}"))
            raise

    async def _stay_connected(self) -> None:
        tries = 0
        while True:
            self._set_status("connecting")
            was_of_use, following = await self._one_line(tries)
            tries = 0 if was_of_use else tries + 1
            if following.wait_seconds is None:
                self._finish(following.closed or Closed(1000, "ended"))
                return
            self._set_status("waiting")
            await asyncio.sleep(following.wait_seconds)
            if following.new_token and not await self._another_token():
                self._finish(Closed(TOKEN, "the server refused this token, and there is no other"))
                return

    async def _one_line(self, tries: int) -> tuple[bool, Next]:
        """Hold one line until it ends: whether it was of use, and what follows."""
        session = self._session
        try:
            line = await open_line(
                self._url, session.path(), self.token.text, self._format, session.limits
            )
        except Refused as refused:
            return False, _after_refusal(refused.problem, tries)
        except (OSError, TimeoutError):
            return False, Next(waiting_seconds(tries))
        self._line = line
        line.write(session.opened())
        try:
            while True:
                self._take(await line.read(session.quiet_seconds))
        except ConnectionClosed as closed:
            was_of_use = self.status == "live"
            code, reason = (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "")
            return was_of_use, after_close(code, reason, tries, session.moving_ms)
        except (Gap, TimeoutError):
            return self.status == "live", Next(0.0 if tries == 0 else waiting_seconds(tries))
        finally:
            self._line = None
            await line.close()

    def _take(self, frames: list[Frame]) -> None:
        session = self._session
        for frame in frames:
            self.write(session.received(frame))
            if frame.get("type") == "welcome":
                self._set_status("live")
        for pending, retry_after_ms in session.take_retries():
            wait = waiting_seconds(pending.tries)
            seconds = wait if retry_after_ms is None else retry_after_ms / 1000 + wait
            asyncio.get_running_loop().call_later(seconds, self._send_again, pending)
        if session.take_token_wanted():
            renewal = asyncio.create_task(self._renew_in_place())
            self._renewals.add(renewal)
            renewal.add_done_callback(self._renewals.discard)

    def _send_again(self, pending: Pending) -> None:
        if self._session.outbox.get(pending.frame["command_id"]) is pending:
            self.write([pending.frame])

    async def _renew_in_place(self) -> None:
        if await self._another_token():
            self.write([{"type": "token", "token": self.token.text}])

    async def _another_token(self) -> bool:
        """The same, however often the source fails: whoever gives tokens may be away."""
        for tries in count():
            try:
                return await self._take_new_token()
            except Exception:
                log.warning("no token could be had; it is tried again", exc_info=True)
                await asyncio.sleep(waiting_seconds(tries))
        raise AssertionError("there is no end to it")

    async def _take_new_token(self) -> bool:
        """Ask the source; whether it gave another token than before."""
        before, self.token = self.token, await fetch_token(self._source)
        return self.token != before

    def _set_status(self, status: Status) -> None:
        if status != self.status:
            self.status = status
            self.on_status(status)

    def _finish(self, end: Closed) -> None:
        if self.ended is not None:
            return
        self.ended = end
        self._session.end(end)
        self._set_status("closed")


def _after_refusal(problem: Problem, tries: int) -> Next:
    if problem.status == _UNAUTHENTICATED:
        return Next(waiting_seconds(tries) if tries else 0.0, new_token=True)
    if problem.retry == SAME or problem.status >= 500 or problem.status == 429:
        return Next(max((problem.retry_after_ms or 0) / 1000, waiting_seconds(tries)))
    return Next(None, closed=Closed(problem.status, str(problem)))

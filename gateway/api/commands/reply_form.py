"""Reply form: how the replies of one request are wanted."""

from typing import NamedTuple

from actors.messages import Ask, Media
from domain.messages.commands import Command
from gateway.api.exchange import Exchange
from gateway.api.parameters import prefers_minimal, query_of, word

COMMAND_QUERY = (
    word("dry_run", ("true", "false"), "`true` only says what would happen, of each by itself"),
)


class ReplyForm(NamedTuple):
    """The members are those of `Ask`."""

    media: Media
    brief: bool = False
    dry_run: bool = False
    named: bool = False

    @classmethod
    def of(cls, exchange: Exchange, *, named: bool = False) -> "ReplyForm":
        """What the request's headers and query say.  Raises `Problem` like `query_of`."""
        if not exchange.has_query and b"prefer" not in exchange.headers:
            return _PLAIN[exchange.answer, named]
        dry_run = query_of(exchange, COMMAND_QUERY).get("dry_run") == "true"
        return cls(exchange.answer, prefers_minimal(exchange), dry_run, named)

    def ask(self, user_id: str, command: Command) -> Ask:
        """What the user's host is asked."""
        return Ask.of(user_id, command, *self)


_PLAIN = {
    (media, named): ReplyForm(media, named=named) for media in Media for named in (False, True)
}

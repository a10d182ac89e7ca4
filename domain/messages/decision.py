"""Decision: what the rules say a command does."""

from msgspec import Struct

from domain.messages.events import AnyEvent
from domain.state.user_state import NOTHING, Changes


class Decision(Struct, frozen=True):
    """The rows after a command, and the events that explain them."""

    changes: Changes
    events: tuple[AnyEvent, ...]


NO_CHANGE = Decision(NOTHING, ())
"""The command was accepted and changes nothing."""

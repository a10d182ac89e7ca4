"""Why the rules said no.  A rejection is a value in the reply, never raised; it changes nothing."""

from enum import StrEnum

from msgspec import Struct


class Code(StrEnum):
    """Stable codes of the rules' refusals, as clients see them."""

    QUEST_NOT_FOUND = "quest_not_found"
    QUEST_NOT_READY = "quest_not_ready"
    QUEST_ALREADY_TURNED_IN = "quest_already_turned_in"
    QUEST_EXISTS = "quest_exists"
    BATTLE_NOT_FOUND = "battle_not_found"
    BATTLE_OVER = "battle_over"
    BATTLE_EXISTS = "battle_exists"
    CHAPTER_NOT_FOUND = "chapter_not_found"
    GRANT_NOT_FOUND = "grant_not_found"
    COMMAND_NOT_FOUND = "command_not_found"
    ALREADY_UNDONE = "already_undone"
    COMMAND_ID_REUSED = "command_id_reused"
    RECEIPT_GONE = "receipt_gone"
    LIMIT_REACHED = "limit_reached"
    INVALID_FIELD = "invalid_field"

    @property
    def transient(self) -> bool:
        """Whether the same command may be accepted later, once something else has happened."""
        match self:
            case (
                Code.QUEST_NOT_FOUND
                | Code.QUEST_NOT_READY
                | Code.BATTLE_NOT_FOUND
                | Code.CHAPTER_NOT_FOUND
                | Code.GRANT_NOT_FOUND
                | Code.COMMAND_NOT_FOUND
                | Code.LIMIT_REACHED
            ):
                return True
            case (
                Code.QUEST_ALREADY_TURNED_IN
                | Code.QUEST_EXISTS
                | Code.BATTLE_OVER
                | Code.BATTLE_EXISTS
                | Code.ALREADY_UNDONE
                | Code.COMMAND_ID_REUSED
                | Code.RECEIPT_GONE
                | Code.INVALID_FIELD
            ):
                return False


class Rejection(Struct, frozen=True):
    """A refusal: the code for programs, the sentence (what came, what was expected) for people."""

    code: Code
    detail: str

"""At most once: whether a command that has no receipt may run, or may have run before (P4).

Not for: commands that have a receipt: they get their first reply again (`Receipts`).
"""

from domain.messages.rejections import Code, Rejection
from domain.state.receipts import Receipts
from domain.state.user_state import UserState


def receipt_gone(
    command_id: str, since: str | None, state: UserState, receipts: Receipts
) -> Rejection | None:
    """The refusal of a command that ran, or may have run, before its receipt left the window.

    It ran where the history in memory still names its id.  It may have run where `since` is from
    another line of versions, or from before the oldest receipt: then nobody can tell.
    """
    if receipts.in_history(command_id):
        return Rejection(
            Code.RECEIPT_GONE,
            f"command_id {command_id} stands in the user's history, but its receipt is "
            "gone, expected a new id",
        )
    if since is None:
        return None
    era, _, version = since.partition(".")
    oldest = receipts.oldest_version(state.version)
    if era == state.era and oldest - 1 <= int(version) <= state.version:
        return None
    return Rejection(
        Code.RECEIPT_GONE,
        f"since is {since}, but receipts reach back from {state.era}.{state.version} to "
        f"version {oldest} only, so whether the command ran before cannot be known",
    )

"""Client of the Questkeep game state server: live users, and commands that take effect once.

>>> async with connect("https://game.example", token=get_token) as questkeep:
...     reply = await questkeep.user().turn_in_quest("q-1")
"""

from questkeep_client.client import Client, connect
from questkeep_client.pipeline import Pipeline
from questkeep_client.protocol.changes import Change, Changes, State
from questkeep_client.protocol.commands import (
    AbandonQuest,
    AcknowledgeLevelUps,
    ApplyChapterLedgerEntry,
    Command,
    CompileChapters,
    GrantExperience,
    OfferQuest,
    RebaseProgression,
    RecordSignal,
    ResolveCombatAction,
    StartBattle,
    TurnInQuest,
    UndoGrant,
    UpsertChapter,
)
from questkeep_client.protocol.mirror import Position
from questkeep_client.protocol.problems import Closed, Problem, QuestkeepError
from questkeep_client.user import User
from questkeep_client.user_commands import Reply

__all__ = [
    "AbandonQuest",
    "AcknowledgeLevelUps",
    "ApplyChapterLedgerEntry",
    "Change",
    "Changes",
    "Client",
    "Closed",
    "Command",
    "CompileChapters",
    "GrantExperience",
    "OfferQuest",
    "Pipeline",
    "Position",
    "Problem",
    "QuestkeepError",
    "RebaseProgression",
    "RecordSignal",
    "Reply",
    "ResolveCombatAction",
    "StartBattle",
    "State",
    "TurnInQuest",
    "UndoGrant",
    "UpsertChapter",
    "User",
    "connect",
]

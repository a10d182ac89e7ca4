"""The story file: what the chapters hold, and who plays them; one TOML file, checked key by key.

Chapters are blueprints for the chapter compiler; player kinds say how their players play.  Errors
name the key, what came and what was expected, as those of a rules file do.

Not for: reading files (`domain.rules.load`), or playing (`player`).
"""

import tomllib
from typing import Annotated, Any, Self

from pydantic import Field, PlainValidator, ValidationError, model_validator

from domain.ids import ID_RULE, is_id
from domain.messages.command_parts import CHAPTERS_MAX, QUESTS_MAX
from domain.rules import error_text
from domain.rules.sections import Section, Weight, refuse
from domain.state.rows import PaceBand, Tier

Range = tuple[int, int]
"""From and to, both included: each player gets a number of their own in it."""

CHAPTER_ID_LENGTH_MAX = 80
"""Shorter than other ids: those of the chapter's quests and hostiles begin with it."""
_WEIGHTS = ("major", "standard", "minor")


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _span(least: int, most: int, what: str) -> PlainValidator:
    """A check that reads `700` or `[500, 900]`."""

    def read(value: Any) -> Range:
        span = [value, value] if _is_integer(value) else value
        fits = isinstance(span, list | tuple) and len(span) == 2 and all(map(_is_integer, span))
        if not fits or not least <= span[0] <= span[1] <= most:
            raise ValueError(
                f"expected {what} from {least} to {most}, or two of them in rising order as "
                f"[from, to]: write one or both"
            )
        return span[0], span[1]

    return PlainValidator(read)


def _quests(value: Any) -> tuple[str, ...]:
    """A number of quests, all standard, or the weight of each."""
    if _is_integer(value) and 0 <= value <= QUESTS_MAX:
        return ("standard",) * int(value)
    if isinstance(value, list | tuple) and len(value) <= QUESTS_MAX:
        weights = tuple(
            weight for weight in value if isinstance(weight, str) and weight in _WEIGHTS
        )
        if len(weights) == len(value):
            return weights
    raise ValueError(
        f"expected a number of quests from 0 to {QUESTS_MAX}, or a list of their weights, each "
        f'"major", "standard" or "minor": write one of both'
    )


def _id(value: Any) -> str:
    if isinstance(value, str) and is_id(value) and len(value) <= CHAPTER_ID_LENGTH_MAX:
        return value
    raise ValueError(
        f"expected an id of at most {CHAPTER_ID_LENGTH_MAX} characters, {ID_RULE}: choose another"
    )


Permille = Annotated[Range, _span(0, 1000, "thousandths")]
Quests = Annotated[tuple[str, ...], PlainValidator(_quests)]
Count = Annotated[int, Field(strict=True, ge=0, le=10_000)]
Name = Annotated[str, Field(strict=True, min_length=1, max_length=40)]


class HostileCounts(Section):
    """How many hostiles of each tier a chapter expects to be defeated."""

    minion: Count = 0
    standard: Count = 0
    elite: Count = 0
    boss: Count = 0

    def by_tier(self) -> dict[Tier, int]:
        """Those that occur."""
        return {tier: getattr(self, tier) for tier in Tier if getattr(self, tier)}


class Chapter(Section):
    """What one chapter holds.

    `side_quests` are those that a player may leave out.  `quest_loot` is the loot table that every
    quest opens once; what hostiles drop is by their tier, in the rules.  `different_hostiles` is
    how many different ones there are of each tier: with few, the same one is met again and again
    (the repeat rule).
    """

    chapter_id: Annotated[str, PlainValidator(_id)]
    weight: Weight = 1
    pace_band: PaceBand = PaceBand.STEADY
    quests: Quests = ()
    side_quests: Quests = ()
    quest_loot: Annotated[str, Field(strict=True)] | None = None
    hostiles: HostileCounts = HostileCounts()
    different_hostiles: Annotated[int, Field(strict=True, ge=1, le=1000)] = 3


class PlayerKind(Section):
    """How players of one kind play; thousandths, each player's own out of the range given.

    skill_permille: how likely a fight they take on is won at once.
    retries: how often they try a fight again that they lost.
    side_quests_permille: how many of the side quests they do.
    fights_permille: how many of the chapter's hostiles they fight; they run from the others.
    extra_fights_permille: fights beyond that, against the same hostiles, at the chapter's end:
        thousandths of the fights the chapter expects (1000 is as many again).
    minutes_per_day: how long they play in a day.
    """

    name: Name
    share: Weight = 1
    skill_permille: Permille = (900, 900)
    retries: Annotated[int, Field(strict=True, ge=0, le=20)] = 1
    side_quests_permille: Permille = (1000, 1000)
    fights_permille: Permille = (1000, 1000)
    extra_fights_permille: Annotated[Range, _span(0, 10_000, "thousandths")] = (0, 0)
    minutes_per_day: Annotated[Range, _span(1, 1440, "minutes")] = (60, 60)


class Story(Section):
    """The file as written.

    `rules` is a preset's name or a file beside the story; `seconds_per_turn` is how long a player
    takes for one command.
    """

    name: Name
    about: Annotated[str, Field(strict=True, max_length=2000)] = ""
    rules: Annotated[str, Field(strict=True, min_length=1)] = "default"
    seconds_per_turn: Annotated[int, Field(strict=True, ge=1, le=3600)] = 15
    chapters: Annotated[tuple[Chapter, ...], Field(max_length=CHAPTERS_MAX)] = ()
    players: Annotated[tuple[PlayerKind, ...], Field(max_length=100)] = ()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        missing = [
            f"{name} is missing: add a section [[{name}]] for each {part}"
            for name, part in (("chapters", "chapter"), ("players", "kind of player"))
            if not getattr(self, name)
        ]
        chapters = [part.chapter_id for part in self.chapters]
        kinds = [part.name for part in self.players]
        refuse(
            missing
            + _twice("chapters", "chapter_id", chapters)
            + _twice("players", "name", kinds)
            + [
                f"chapters (entry {entry}) has no quests and no hostiles, expected some to pay its "
                f"budget: add quests, side_quests or hostiles"
                for entry, part in enumerate(self.chapters, start=1)
                if not (part.quests or part.side_quests or part.hostiles.by_tier())
            ]
        )
        return self


class InvalidStory(Exception):
    """The story file cannot be used; each of `problems` is one sentence."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def read_story(text: str) -> Story:
    """The story that a story file's text describes.

    Raises:
        InvalidStory: not TOML, or keys that are missing, unknown or out of range; lists every one.
    """
    try:
        return Story.model_validate(tomllib.loads(text))
    except ValidationError as error:
        raise InvalidStory(error_text.sentences(error, Story)) from None
    except RecursionError:
        raise InvalidStory(["not TOML: brackets are nested too deeply"]) from None
    except ValueError as error:
        raise InvalidStory([error_text.not_toml(error, text)]) from None


def _twice(section: str, key: str, names: list[str]) -> list[str]:
    """What stands in the file for the second time."""
    return [
        f'{section} (entry {place}).{key} is "{name}", which entry {names.index(name) + 1} has '
        f"already: give it one of its own"
        for place, name in enumerate(names, start=1)
        if names.index(name) + 1 < place
    ]

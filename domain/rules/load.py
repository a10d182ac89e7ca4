"""Loading rules by a name that people type: a file's path, or the name of a preset.

For the server and for designers; nothing that decides may import it.

Not for: what is in them (`rules_file`), or which rules a server starts with
(`gateway.settings_sources`).
"""

from importlib import resources
from pathlib import Path

from domain.rules.compiled_rules import InvalidRules, Rules, compile_rules
from domain.small_files import Unreadable, read_text
from domain.wording import nearest

DEFAULT = "default"
"""The preset that is used where no rules are named."""
_PRESETS = resources.files("domain.rules") / "presets"


class CannotRead(Exception):
    """There is no such file, or it is not text.  The message is one sentence."""


def presets() -> list[str]:
    """The names of the rules that come with Questkeep."""
    names = (entry.name for entry in _PRESETS.iterdir())
    return sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml"))


def preset_text(name: str = DEFAULT) -> str:
    """The text of the preset of that name."""
    return (_PRESETS / f"{name}.toml").read_text(encoding="utf-8")


def rules_of(name: str, beside: Path | None = None) -> str:
    """The text of the rules called `name`: a file's path, looked up from `beside`, or a preset.

    Raises:
        CannotRead: it is neither.
    """
    path = (beside or Path()) / name
    if not path.exists() and name in presets():
        return preset_text(name)
    if not path.exists() and "/" not in name and not name.endswith(".toml"):
        meant = nearest(name, presets())
        hint = f"did you mean {meant}?" if meant else f"the presets are {', '.join(presets())}."
        raise CannotRead(f"{name} is neither a file nor a preset; {hint}")
    return text_of(path)


def text_of(path: Path) -> str:
    """A file's text.

    Raises:
        CannotRead: there is none, or it is no text of a size that rules and stories have.
    """
    try:
        return read_text(path)
    except Unreadable as error:
        raise CannotRead(f"{error}.") from None


def compiled(name: str, text: str) -> Rules:
    """The rules of this text; `name` is what to call them when something is wrong.

    Raises:
        InvalidRules: with `name` before each problem.
    """
    try:
        return compile_rules(text)
    except InvalidRules as error:
        raise InvalidRules([f"{name}: {problem}." for problem in error.problems]) from None

"""Rules for tests of the rules: the presets, and the small rules with sections added or changed.

Not for: commands and states (`script`).
"""

import pytest

from domain.rules.compiled_rules import InvalidRules, Rules, compile_rules
from domain.rules.load import preset_text
from tests.domain.table_kit import CASES

SMALL_TEXT = (CASES / "small.toml").read_text(encoding="utf-8")
COSTS = "xp_to_next = [100, 200, 300, 400]"


def preset(name: str) -> Rules:
    return compile_rules(preset_text(name))


def small(more: str = "", levels: str = COSTS) -> Rules:
    """The small rules with other levels and more sections."""
    return compile_rules(small_text(more, levels))


def small_text(more: str = "", levels: str = COSTS) -> str:
    return SMALL_TEXT.replace(COSTS, levels) + "\n" + more


def problems(text: str) -> list[str]:
    with pytest.raises(InvalidRules) as caught:
        compile_rules(text)
    assert str(caught.value) == "; ".join(caught.value.problems)
    return caught.value.problems

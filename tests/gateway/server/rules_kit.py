"""Rules that differ from the default ones, rules that are wrong, and the path that reloads."""

from domain.rules.compiled_rules import compile_rules
from tests.gateway.gateway_kit import RULES_TEXT

RELOAD = "/v1/operations/rules/reload"
OTHER_TEXT = RULES_TEXT.replace("  400, 900, 1400,", "  5, 900, 1400,")
BROKEN_TEXT = RULES_TEXT.replace("base = 20", "base = 0").replace("per_level = 6", "per_level = x")
WRONG_TEXT = RULES_TEXT.replace("base = 20", "base = 0").replace("minor = 1", "minor = 0")
OLD, NEW = (compile_rules(text).fingerprint for text in (RULES_TEXT, OTHER_TEXT))
